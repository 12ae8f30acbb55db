"""Pulls students' notebooks and models from Kaggle, with its own client.

Students add you as a collaborator of their notebook, save a version that ran to its end, and tell
its address: kaggle.com/code/<owner>/<slug>. A CSV with the columns student and slug names them.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.inbox import Attempt
from grader.names import STUDENT, Name, Roster, Unknown, rows
from grader.runner import MAX_MODEL
from grader.unpack import MODEL
from helpers.data.download import sign_in

SLUG = re.compile(r"(?:https?://)?(?:www\.)?(?:kaggle\.com/code/)?([\w.-]+)/([\w.-]+?)/?")
PAGE = 100
PAGES = 20
"""So many pages of a kernel's files are looked through for model.onnx."""


def of_kernels(
    table: Path, scratch: Path, notebook: str, roster: Roster | None = None
) -> list[Attempt]:
    """The kernels that a CSV names, pulled into a folder, in the order of its lines.

    Args:
        table: a CSV with the columns student and slug, a slug being owner/kernel or its address.
            With a roster that has a column kaggle, student may be empty or missing.
        scratch: an empty folder.
        notebook: the name of the assignment's notebook, without .ipynb.
        roster: says whose an owner's kernels are.

    Raises:
        ValueError: the table makes no sense.
        DownloadError: Kaggle does not know who asks, or nobody answers.
    """
    lines = [row for _, row in rows(table, {"slug"}, {"student", "slug"})]
    api = sign_in()
    found = []
    with api.build_kaggle_client() as client:
        for number, row in enumerate(lines):
            folder = scratch / str(number)
            folder.mkdir()
            found.append(_attempt(client.kernels.kernels_api_client, row, folder, notebook, roster))
    return found


def _attempt(
    kernels: Any, row: dict[str, str], folder: Path, notebook: str, roster: Roster | None
) -> Attempt:
    import requests

    slug = row["slug"]
    parsed = SLUG.fullmatch(slug)
    if not parsed:
        return Attempt("", slug, "kaggle", remarks=(f"{slug} is no kernel; write owner/kernel.",))
    try:
        student, remarks = _student(row.get("student", ""), parsed[1], roster)
    except Unknown as error:
        return Attempt("", slug, "kaggle", remarks=(str(error),))
    empty = Attempt(student, slug, "kaggle", remarks=tuple(remarks))
    try:
        time = _pull(kernels, parsed[1], parsed[2], folder / f"{notebook}.ipynb")
        _fetch_model(kernels, parsed[1], parsed[2], folder / MODEL)
    except (requests.RequestException, OSError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        why = f"{slug} could not be pulled ({said}). Is it shared with you? Nothing was taken."
        return replace(empty, remarks=(*remarks, why))
    return replace(empty, paths=(folder,), time=time)


def _student(given: str, owner: str, roster: Roster | None) -> tuple[str, list[str]]:
    """Whose a kernel is, and what is to be said of that. Raises Unknown."""
    by_owner = None
    if roster:
        try:
            by_owner = roster.student(Name("kaggle", owner))
        except Unknown:
            if not given:
                raise
    if not given:
        if by_owner is None:
            raise Unknown(f"{owner}: no student is named, and there is no --roster to ask.")
        return by_owner, []
    if roster:
        roster.student(Name("student", given))
    elif not re.fullmatch(STUDENT, given):
        raise Unknown(f"{given!r} is no student's id (letters, digits, . - @); nothing was taken.")
    if by_owner not in (None, given):
        return given, [f"the kernel is {owner}'s, and that is {by_owner} in the roster."]
    return given, []


def _pull(kernels: Any, owner: str, kernel: str, target: Path) -> datetime:
    """Writes the notebook; when it last ran."""
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

    request = ApiGetKernelRequest()
    request.user_name, request.kernel_slug = owner, kernel
    answer = kernels.get_kernel(request)
    target.write_text(answer.blob.source, "utf-8")
    ran = answer.metadata.last_run_time or datetime.now(UTC)
    return ran.replace(tzinfo=ran.tzinfo or UTC).astimezone(UTC)


def _fetch_model(kernels: Any, owner: str, kernel: str, target: Path) -> None:
    """Writes the model that the kernel left among its output, if there is one; no more of it than
    tells that it is too large."""
    import requests
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    request = ApiListKernelSessionOutputRequest()
    request.user_name, request.kernel_slug, request.page_size = owner, kernel, PAGE
    for _ in range(PAGES):
        answer = kernels.list_kernel_session_output(request)
        for file in answer.files or []:
            if file.file_name == MODEL:
                with requests.get(file.url, stream=True, timeout=60) as reply:
                    reply.raise_for_status()
                    with open(target, "wb") as out:
                        for chunk in reply.iter_content(1 << 20):
                            out.write(chunk)
                            if out.tell() > MAX_MODEL:
                                break
                return
        request.page_token = answer.next_page_token
        if not answer.next_page_token:
            return
