"""Kernels pulled with the real client from a server on loopback; only its endpoint is ours."""

import nbformat
import pytest
from kagglesdk import kaggle_env
from nbformat.v4 import new_code_cell, new_notebook

from grader.collect import take
from grader.kaggle import of_kernels
from grader.names import Roster
from grader.runner import MAX_MODEL
from helpers.data.download import DownloadError
from tests.grader.kernels_server import Kernel, Kernels

NAME = "lyft_unet"


def notebook(text: str) -> str:
    return nbformat.writes(new_notebook(cells=[new_code_cell(text)]))


@pytest.fixture
def kaggle(kaggle_home, monkeypatch):
    """The server; the client of this process is pointed at it, with a right token in its home."""
    kernels = {
        "ada-l/street-net": Kernel(
            notebook("ada"),
            output={"a.txt": b"", "b.txt": b"", "x/model.onnx": b"no", "model.onnx": b"network"},
        ),
        "ada-l/second-try": Kernel(notebook("ada, again"), "2026-11-03T08:00:00Z"),
        "hopper/net": Kernel(notebook("grace"), output={"model.onnx": bytes(MAX_MODEL + 1)}),
        "noether/script": Kernel("print('no notebook')"),
    }
    with Kernels(kernels) as running:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, running.url)
        yield running


@pytest.fixture
def pull(tmp_path):
    """Collects the kernels of a CSV; gives slug → student and remarks."""

    def run(text: str, roster: str = "") -> dict[str, tuple[str, str]]:
        table, scratch = tmp_path / "kernels.csv", tmp_path / "scratch"
        table.write_text(text)
        scratch.mkdir()
        (tmp_path / "students.csv").write_text(roster)
        known = Roster(tmp_path / "students.csv") if roster else None
        attempts = of_kernels(table, scratch, NAME, known)
        found = take(attempts, tmp_path / "submitted", NAME, NAME)
        return {one.source: (one.student, " ".join(one.remarks)) for one in found}

    return run


@pytest.fixture
def taken(tmp_path):
    return lambda student, file=f"{NAME}.ipynb": (
        tmp_path / "submitted" / student / NAME / file
    ).read_text()


def test_a_kernels_notebook_and_its_model_are_pulled(kaggle, pull, taken):
    found = pull("student,slug\nada,ada-l/street-net\n")
    assert found == {"ada-l/street-net": ("ada", "")}
    assert "ada" in taken("ada") and taken("ada", "model.onnx") == "network"
    assert taken("ada", "timestamp.txt") == "2026-11-01 08:00:00 UTC\n"
    storage = [token for path, token in kaggle.log if path.startswith("/storage")]
    assert storage == [None], "one file was fetched, and the token stayed with the API"


def test_the_kernel_that_ran_last_counts(kaggle, pull, taken):
    found = pull(
        "student,slug\nada,https://www.kaggle.com/code/ada-l/second-try\nada,ada-l/street-net\n"
    )
    assert (
        "older: https://www.kaggle.com/code/ada-l/second-try counts"
        in (found["ada-l/street-net"][1])
    )
    assert "ada, again" in taken("ada")


def test_what_cannot_be_pulled_is_said_and_takes_nothing_away(kaggle, pull, taken, tmp_path):
    pull("student,slug\nada,ada-l/street-net\n")
    (tmp_path / "scratch/0").rename(tmp_path / "before")
    (tmp_path / "scratch").rmdir()
    kaggle.cut.add("model.onnx")
    del kaggle.kernels["hopper/net"]
    found = pull(
        "student,slug\nada,ada-l/street-net\ngrace,hopper/net\nemmy,noether/script\nzoe,net\n"
    )
    assert "could not be pulled" in found["ada-l/street-net"][1]
    assert taken("ada", "model.onnx") == "network"
    assert "denied). Is it shared with you?" in found["hopper/net"][1]
    assert "is not a notebook" in found["noether/script"][1]
    assert found["net"] == ("", "net is no kernel; write owner/kernel.")


def test_no_more_of_a_large_model_is_read_than_tells_that_it_is_too_large(kaggle, pull, tmp_path):
    kaggle.kernels["hopper/net"].output["model.onnx"] = bytes(4 * MAX_MODEL)
    found = pull("student,slug\ngrace,hopper/net\n")
    assert "at most 16 are allowed" in found["hopper/net"][1]
    assert (tmp_path / "scratch/0/model.onnx").stat().st_size <= MAX_MODEL + (1 << 20)
    assert not (tmp_path / "submitted/grace" / NAME / "model.onnx").exists()


def test_a_roster_says_whose_a_kernel_is(kaggle, pull):
    roster = "student,kaggle\nada,Ada-L\ngrace,\nemmy,\n"
    found = pull("slug\nada-l/street-net\nhopper/net\n", roster)
    assert found["ada-l/street-net"] == ("ada", "")
    assert "hopper is not in students.csv" in found["hopper/net"][1]


def test_a_kernel_of_another_student_is_said(kaggle, pull):
    found = pull("student,slug\ngrace,ada-l/street-net\n", "student,kaggle\nada,ada-l\ngrace,\n")
    remark = "the kernel is ada-l's, and that is ada in the roster."
    assert found["ada-l/street-net"] == ("grace", remark)


def test_a_table_of_other_columns_and_a_wrong_token_are_refused(kaggle, pull, tmp_path):
    with pytest.raises(ValueError, match="has the columns name, notebook; it needs slug"):
        pull("name,notebook\nada,x/y\n")
    (tmp_path / "scratch").rmdir()
    kaggle.token = "another"
    with pytest.raises(DownloadError, match="does not accept the token"):
        pull("student,slug\nada,ada-l/street-net\n")
