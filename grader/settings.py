"""What the instructor decides: the secret seed of the hidden cases, and the data behind them.

They stand in grading.toml in the course's run-time folder (build/course, or PIXELWISE_COURSE); the
seed is drawn at the first use. PIXELWISE_SEED and PIXELWISE_DATA (streets, or the folder of the
real frames) override the file.
"""

import json
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """The instructor's choices.

    Attributes:
        seed: the secret that the hidden cases and scenes are drawn from.
        data: "streets" or "lyft".
        folder: where the held-out frames of lyft are; None for streets.
    """

    seed: int
    data: str
    folder: Path | None


def course_folder() -> Path:
    """The folder of everything that a course makes when it runs: submissions, grades, secrets."""
    return Path(os.environ.get("PIXELWISE_COURSE") or REPOSITORY / "build" / "course").resolve()


def settings() -> Settings:
    """The settings in force. Raises ValueError, naming the file, when they make no sense."""
    path = course_folder() / "grading.toml"
    if not path.exists():
        _create(path)
    try:
        read = tomllib.loads(path.read_text("utf-8"))
        seed = int(os.environ.get("PIXELWISE_SEED") or read["seed"])
        data, folder = read.get("data", "streets"), read.get("folder", "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); it needs a line `seed = <a natural number>`. Delete "
            "it and a new seed is drawn: regrading then gives other hidden cases."
        ) from None
    given = os.environ.get("PIXELWISE_DATA")
    if given:
        data, folder = ("streets", "") if given == "streets" else ("lyft", given)
    if data not in ("streets", "lyft"):
        raise ValueError(f'{path}: data is "{data}"; it must be "streets" or "lyft".')
    if data == "lyft" and not Path(folder).is_dir():
        raise ValueError(f'{path}: data is "lyft", but its folder "{folder}" is not there.')
    return Settings(seed, data, Path(folder).resolve() if data == "lyft" else None)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(
        [
            "# Secret: who knows the seed knows the hidden cases. Keep it, so that a regrade",
            "# gives the same points.",
            f"seed = {secrets.randbits(62)}",
            f"data = {json.dumps('streets')}  # or lyft, with the folder of the held-out frames:",
            f"folder = {json.dumps('')}",
            "",
        ]
    )
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(part, path)  # complete at once, or not at all
    except FileExistsError:
        pass  # another grader was faster: its seed counts
    finally:
        part.unlink()
