"""Fetches a dataset from Kaggle: it goes on where it was cut off, and is whole or not there.

All work happens in .FOLDER.part, beside FOLDER, where `find` does not look:

<dataset>.<which one>.part  the archive while it comes; the name tells one version from another
<dataset>.zip               the whole archive
unpacked/                   while it is unpacked; in the end it becomes FOLDER

The `kaggle` package signs in and says where the archive lies. Its own download_file is not used:
when the server answers a resumed request with an error twice, it writes the error page over the
part and resumes onto that page the next time; and it tries for a minute to write to a full disk.
"""

import io
import shutil
import sys
import time
import zipfile
import zlib
from contextlib import redirect_stdout, suppress
from pathlib import Path

from tqdm.auto import tqdm

from helpers.data.find import find
from helpers.data.pairs import Pairs, short

DATASET = "kumaresanmanickavelu/lyft-udacity-challenge"
CHUNK = 2**17  # bytes; at most so many are lost when the process is killed
SILENCE = 60  # seconds without a byte until the line counts as dead
WAITS = (1, 2, 4, 8, 16, 32)  # seconds before one more try; they start anew when bytes came

STEPS = """Kaggle asks who you are. Three steps:
  1. Sign in at https://www.kaggle.com/settings/api and press "Generate New Token".
  2. Save the token as ~/.kaggle/access_token, and: chmod 600 ~/.kaggle/access_token
     (or set KAGGLE_API_TOKEN to it; the older kaggle.json in ~/.kaggle works too).
  3. Run the same command again."""


class DownloadError(OSError):
    """Why the dataset is not there, and what to do. What has come so far is kept."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]  # in a notebook the sentence is enough


def download(folder: str | Path = "data/lyft", dataset: str = DATASET) -> Path:
    """Fetch a dataset from Kaggle, unpack and check it. The real Lyft frames are about 5 GB.

    A call that was cut off, stopped or killed goes on where it was when it is called again. If
    the pairs are there already, it says so and asks nobody.

    Args:
        folder: where the pairs shall be; `data.find(folder)` opens them.
        dataset: owner/name, as in the dataset's address at Kaggle.

    Returns:
        The folder.

    Raises:
        DownloadError: no credentials, no network, refused, too little disk, a damaged archive,
            other files in the folder; it says what to do.
    """
    folder = Path(folder)
    target = folder.resolve()  # where a link points to may be another disk
    work = target.with_name(f".{target.name}.part")
    try:
        if not _there(folder):
            archive = work / f"{dataset.replace('/', '-')}.zip"
            if not archive.exists():
                _fetch(dataset, archive)
            unpacked = _unpack(archive, work / "unpacked")
            find(unpacked)
            if target.exists():
                target.rmdir()  # it is empty; some systems rename onto nothing only
            unpacked.rename(target)
            print(f"{folder}: {_count(find(folder))}, every byte checked")
        shutil.rmtree(work, ignore_errors=True)
    except DownloadError:
        raise
    except KeyboardInterrupt:
        print(f"\n{_kept(work)}", file=sys.stderr)
        raise
    except FileNotFoundError as fault:  # the archive holds no pairs
        raise DownloadError(str(fault)) from None
    except (OSError, ValueError) as fault:
        raise DownloadError(f"{_reason(fault, dataset)} {_kept(work)}") from None
    finally:
        with suppress(OSError):
            work.rmdir()  # if nothing has come
    return folder


def _there(folder: Path) -> bool:
    if not folder.exists():
        return False
    try:
        print(f"{folder}: there already, {_count(find(folder))}")
        return True
    except FileNotFoundError:
        if not folder.is_dir() or any(folder.iterdir()):
            raise DownloadError(
                f"{folder}: something is there, but no pairs. Name a new folder, or move it away."
            ) from None
        return False


def _count(pairs: Pairs) -> str:
    alone = [short(pair.image) for pair in pairs.items if pair.mask is None]
    if not alone:
        return f"{len(pairs)} pairs, a mask for every image"
    return f"{len(pairs)} images, {len(alone)} of them without a mask (first {alone[0]})"


def sign_in():
    """The `kaggle` client, signed in. Raises DownloadError: not installed, or not accepted."""
    stdin, sys.stdin = sys.stdin, None  # exit(), which the client calls, would close it
    try:
        with redirect_stdout(io.StringIO()):  # and it prints advice of its own
            import kaggle

            kaggle.api.authenticate()  # importing does it too, but hides what goes wrong
    except ModuleNotFoundError as fault:
        raise DownloadError(f"{fault}: pip install 'kaggle>=2.2.4' six") from None
    except SystemExit:
        from kagglesdk import get_access_token_from_env

        token, place = get_access_token_from_env()
        why = f"Kaggle does not accept the token from {place}: mistyped or expired."
        raise DownloadError(f"{why if token else 'No credentials.'} {STEPS}") from None
    finally:
        sys.stdin = stdin
    return kaggle.api


def _fetch(dataset: str, archive: Path) -> None:
    """Bring the archive, going on by itself after a cut."""
    api = sign_in()
    import requests

    archive.parent.mkdir(parents=True, exist_ok=True)
    waits = iter(())  # a line that gives nothing at all is given up at once
    while not archive.exists():
        before = _arrived(archive.parent)
        try:
            _attempt(api, dataset, archive)
        except requests.RequestException as fault:
            if _arrived(archive.parent) > before:
                waits = iter(WAITS)
            refused = fault.response is not None and fault.response.status_code < 500
            wait = next(waits, None)
            if refused or wait is None:
                raise
            tqdm.write(f"Cut off ({type(fault).__name__}); on it goes in {wait} s.", sys.stderr)
            time.sleep(wait)


def _attempt(api, dataset: str, archive: Path) -> None:
    """Ask Kaggle where the archive lies (its address expires), and fetch what is missing."""
    import requests
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    question = ApiDownloadDatasetRequest()
    question.owner_slug, _, question.dataset_slug = dataset.partition("/")
    with api.build_kaggle_client() as client:
        answer = client.datasets.dataset_api_client.download_dataset(question)
        answer.close()  # its headers are enough; what the line's buffers hold is thrown away
    size, version = _identity(answer)
    part = archive.with_suffix(f".{zlib.crc32(f'{version} {size}'.encode()):08x}.part")
    known = bool(size and version)
    for found in archive.parent.glob("*.part"):
        if (found == part) != known:  # of another version; or of one that nobody can tell
            found.unlink()
    have = part.stat().st_size if part.exists() else 0
    # pictures hardly shrink in an archive, so unpacked they are about as large once more
    _room(archive.parent, 2 * size - have, f"{_gb(size)} to download, as much again to unpack it")

    request = answer.request.copy()  # as the client was redirected, rights and all
    request.headers["Accept-Encoding"] = "identity"
    if have:
        request.headers.update({"Range": f"bytes={have}-", "If-Range": version})
    if have < size or not size:
        with requests.Session() as session:
            settings = session.merge_environment_settings(request.url, {}, True, None, None)
            with session.send(request, timeout=SILENCE, **settings) as body:
                body.raise_for_status()
                if body.status_code != 206:
                    have = 0
                    if _identity(body) != (size, version):
                        raise requests.ConnectionError("something else came")
                _save(body.iter_content(CHUNK), part, have, size)
    part.replace(archive)


def _identity(answer) -> tuple[int, str | None]:
    """The size of what a server sends, and what tells it from other versions."""
    size = int(answer.headers.get("Content-Length", 0))
    return size, answer.headers.get("ETag") or answer.headers.get("Last-Modified")


def _save(chunks, part: Path, have: int, size: int) -> None:
    import requests

    with _bar("download", size, have) as bar, part.open("ab" if have else "wb") as file:
        for chunk in chunks:
            file.write(chunk)
            bar.update(len(chunk))
    came = part.stat().st_size
    if size and came < size:
        raise requests.ConnectionError("cut off")
    if size and came > size:
        part.unlink()
        raise DownloadError("More came than there is. Does another download run? Then wait for it.")


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack what is not unpacked yet; reading a member to its end checks its CRC."""
    try:
        with zipfile.ZipFile(archive) as source:
            members = [member for member in source.infolist() if not member.is_dir()]
            todo = [member for member in members if not _is_unpacked(folder, member)]
            whole, missing = (sum(m.file_size for m in some) for some in (members, todo))
            _room(archive.parent, missing, f"{_gb(missing)} still to unpack")
            with _bar("unpack", whole, whole - missing) as bar:
                for member in todo:
                    source.extract(member, folder)
                    bar.update(member.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError) as fault:
        archive.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        raise DownloadError(
            f"The archive came damaged ({fault}) and was removed. Run this again to fetch it anew; "
            "if it happens twice, look whether a sign-in page or a proxy stands in between."
        ) from None
    return folder


def _is_unpacked(folder: Path, member: zipfile.ZipInfo) -> bool:
    path = folder / member.filename
    return path.is_file() and path.stat().st_size == member.file_size


def _bar(name: str, size: int, have: int) -> tqdm:
    return tqdm(desc=name, total=size or None, initial=have, unit="B", unit_scale=True)


def _room(folder: Path, needed: int, why: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            f"{folder.parent}: {_gb(free)} free, {_gb(needed)} needed ({why}). Make room, or name "
            f"a folder on another disk. {_kept(folder)}"
        )


def _reason(fault: Exception, dataset: str) -> str:
    """What went wrong, in a sentence with the remedy."""
    from requests import RequestException

    page = f"https://www.kaggle.com/datasets/{dataset}"
    if not isinstance(fault, RequestException):
        if isinstance(fault, OSError) and fault.strerror:
            where = fault.filename or "The disk"
            return f"{where}: {fault.strerror}. Make room, or name another folder."
        return f"Kaggle's answer cannot be read ({fault}). Does a sign-in page stand in between?"
    if fault.response is None:
        return f"Kaggle cannot be reached ({type(fault).__name__}). Is there a network?"
    status = fault.response.status_code
    said = f"Kaggle answers {status} ({fault})"
    if status == 401:
        return f"{said}: it does not accept the credentials. {STEPS}"
    if status == 403:
        return f"{said}: not allowed. Open {page}, signed in, and accept the terms there."
    if status == 404:
        return f"{said}: there is no dataset {dataset}. Look at {page}."
    if status == 429:
        seconds = fault.response.headers.get("Retry-After", "")
        return f"{said}: too much was asked. Wait {seconds + ' s' if seconds else 'a while'}."
    return f"{said}: try again later."


def _kept(work: Path) -> str:
    have = _arrived(work)
    return f"{_gb(have)} are kept in {work}; the same command goes on there." if have else ""


def _arrived(work: Path) -> int:
    return sum(path.stat().st_size for end in ("part", "zip") for path in work.glob(f"*.{end}"))


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
