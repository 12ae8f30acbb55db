"""Downloads of a learning platform: the good ones are taken, the bad ones get their sentence."""

import os
import stat
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader import submissions
from grader.collect import collect
from grader.runner import MAX_MODEL

NOTEBOOK = nbformat.writes(new_notebook(cells=[new_code_cell("1 + 1")])).encode()


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def take(inbox, tmp_path):
    """Collects the inbox; gives student → remarks, joined."""

    def call() -> dict[str, str]:
        found = collect(inbox, tmp_path / "submitted", "lyft_unet", "lyft_unet")
        return {one.student: " ".join(one.remarks) for one in found}

    return call


@pytest.fixture
def taken(tmp_path):
    """Reads a file of a student's submission; None when it is not there."""

    def call(student: str, name: str = "lyft_unet.ipynb") -> bytes | None:
        path = tmp_path / "submitted" / student / "lyft_unet" / name
        return path.read_bytes() if path.exists() else None

    return call


def pack(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name if "." in name else name.replace("__", "."), data)


def problem(data: bytes) -> str:
    return submissions.problem(nbformat.reads(data.decode(), 4))


def test_zips_folders_and_loose_notebooks_are_taken(inbox, take, taken):
    pack(inbox / "anna_lyft_unet_final.zip", lyft_unet__ipynb=NOTEBOOK, model__onnx=b"model")
    pack(inbox / "bert.zip", **{"deep/inside/My work.ipynb": NOTEBOOK, "__MACOSX/x.ipynb": b""})
    (inbox / "carl_smith").mkdir()
    (inbox / "carl_smith" / "lyft_unet.ipynb").write_bytes(NOTEBOOK)
    (inbox / "dora.ipynb").write_bytes(NOTEBOOK)
    renamed = "bert.zip: deep/inside/My work.ipynb was taken as lyft_unet.ipynb."
    assert take() == {"anna": "", "bert": renamed, "carl_smith": "", "dora": ""}
    for student in ("anna", "bert", "carl_smith", "dora"):
        assert taken(student) == NOTEBOOK
        assert taken(student, "timestamp.txt").endswith(b" UTC\n")
    assert taken("anna", "model.onnx") == b"model"
    assert taken("bert", "model.onnx") is None


def test_the_newest_of_several_counts(inbox, take, taken):
    pack(inbox / "anna_1.zip", lyft_unet__ipynb=NOTEBOOK)
    pack(inbox / "anna_2.zip", lyft_unet__ipynb=b"{}")
    os.utime(inbox / "anna_2.zip", (1, 1))
    take()
    assert taken("anna") == NOTEBOOK


def test_collecting_an_old_folder_again_takes_nothing_back(inbox, take, taken):
    pack(inbox / "anna.zip", lyft_unet__ipynb=NOTEBOOK)
    take()
    pack(inbox / "anna.zip", lyft_unet__ipynb=b"{}")
    os.utime(inbox / "anna.zip", (1, 1))
    assert "was collected before and counts" in take()["anna"]
    assert taken("anna") == NOTEBOOK


def test_collecting_the_same_again_changes_nothing(inbox, take, tmp_path):
    pack(inbox / "anna.zip", lyft_unet__ipynb=NOTEBOOK)
    take()
    before = submissions.fingerprint(tmp_path / "submitted")
    take()
    assert submissions.fingerprint(tmp_path / "submitted") == before


def link(path):
    entry = zipfile.ZipInfo("lyft_unet.ipynb")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")


def bomb(path):
    pack(path, lyft_unet__ipynb=NOTEBOOK, zeros=bytes(1 << 20))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3000):
            archive.writestr(f"{number}", b"")


def damaged(path):
    with zipfile.ZipFile(path, "w") as archive:  # stored, so that the bytes can be found
        archive.writestr("lyft_unet.ipynb", NOTEBOOK)
    path.write_bytes(path.read_bytes().replace(b"1 + 1", b"2 + 2"))


RUBBISH = {
    "no zip": (lambda path: path.write_bytes(b"not a zip"), "is not a zip"),
    "truncated": (
        lambda path: (
            pack(path, lyft_unet__ipynb=NOTEBOOK),
            path.write_bytes(path.read_bytes()[:-30]),
        ),
        "cut off",
    ),
    "out of the zip": (
        lambda path: pack(path, **{"../../lyft_unet.ipynb": NOTEBOOK}),
        "points out of the zip",
    ),
    "a link": (link, "is a link"),
    "a bomb": (bomb, "unpacks to 3002 files"),
    "damaged inside": (damaged, "is damaged"),
    "no notebook": (lambda path: pack(path, essay__pdf=b"%PDF"), "no notebook"),
    "two notebooks": (lambda path: pack(path, a__ipynb=NOTEBOOK, b__ipynb=NOTEBOOK), "2 notebooks"),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_gets_a_sentence_and_a_place_in_the_grades(name, inbox, take, taken, tmp_path):
    make, sentence = RUBBISH[name]
    make(inbox / "anna_work.zip")
    pack(inbox / "bert_work.zip", lyft_unet__ipynb=NOTEBOOK)
    remarks = take()
    assert sentence in remarks["anna"]
    assert remarks["anna"].startswith("anna_work.zip")
    assert sentence in problem(taken("anna"))
    assert sentence in taken("anna", "collected.txt").decode()
    assert remarks["bert"] == "" and taken("bert") == NOTEBOOK
    assert not (tmp_path / "lyft_unet.ipynb").exists()


def test_a_file_that_is_no_notebook_is_kept_and_said(inbox, take, taken):
    (inbox / "anna_lyft_unet.ipynb").write_bytes(b'{"cells": [')
    pack(inbox / "bert.zip", lyft_unet__ipynb=b"\xff\xfe\x00")
    remarks = take()
    assert "reading stopped at character" in remarks["anna"]
    assert "is not text" in remarks["bert"]
    assert taken("anna") == b'{"cells": ['


def test_a_model_of_200_mb_is_left_out_and_the_notebook_taken(inbox, take, taken):
    pack(inbox / "anna.zip", lyft_unet__ipynb=NOTEBOOK, model__onnx=bytes(200 << 20))
    assert "model.onnx has 200 MiB, at most 16 are allowed" in take()["anna"]
    assert taken("anna") == NOTEBOOK
    assert taken("anna", "model.onnx") is None
    pack(inbox / "anna.zip", lyft_unet__ipynb=NOTEBOOK, model__onnx=bytes(MAX_MODEL))
    assert take()["anna"] == ""
    assert len(taken("anna", "model.onnx")) == MAX_MODEL


def test_links_in_a_folder_and_folders_that_are_links_are_not_followed(inbox, take, taken):
    (inbox / "anna").mkdir()
    (inbox / "anna" / "lyft_unet.ipynb").symlink_to("/etc/passwd")
    (inbox / "bert").symlink_to("/etc")
    remarks = take()
    assert "lyft_unet.ipynb is a link" in remarks["anna"]
    assert "is a link" in remarks["bert"]
    assert b"root:" not in taken("anna") + taken("bert")


def test_a_name_that_is_no_id_is_said_and_nothing_written(inbox, take, tmp_path):
    pack(inbox / "*.zip", lyft_unet__ipynb=NOTEBOOK)
    assert "does not begin with a student's id" in take()[""]
    assert not (tmp_path / "submitted").exists()
