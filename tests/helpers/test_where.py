import os
import subprocess
import sys

import pytest

from helpers import where


@pytest.fixture
def groups(tmp_path):
    """Writes a control group's files and gives the two paths that `where` reads them from."""

    def write(own: str, files: dict[str, str]):
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        own_groups = tmp_path / "self"
        own_groups.write_text(own + "\n")
        return tmp_path / "cgroup", own_groups

    return write


def test_share_of_the_machine_in_a_version_2_group(groups):
    paths = groups("0::/", {"cpu.max": "100000 100000", "memory.max": str(2 * 2**30)})
    assert where.cores(*paths) == 1
    assert where.memory_gib(*paths) == 2.0


def test_share_of_the_machine_in_a_version_1_group(groups):
    paths = groups(
        "4:memory:/box\n1:cpu,cpuacct:/box",
        {
            "cpu/box/cpu.cfs_quota_us": "150000",
            "cpu/box/cpu.cfs_period_us": "100000",
            "memory/box/memory.limit_in_bytes": str(2**30),
        },
    )
    assert where.cores(*paths) == 1  # one and a half cores keep one thread busy
    assert where.memory_gib(*paths) == 1.0


def test_the_tightest_of_nested_groups_counts(groups):
    paths = groups(
        "0::/a/b", {"memory.max": "max", "a/memory.max": str(2**29), "a/b/memory.max": str(2**30)}
    )
    assert where.memory_gib(*paths) == 0.5


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux tells the affinity")
def test_without_a_limit_the_machine_itself_counts(groups):
    paths = groups("4:memory:/\n1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1"})
    assert where.cores(*paths) == len(os.sched_getaffinity(0))
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert where.memory_gib(*paths) == pages / 2**30


def test_no_control_groups_at_all(tmp_path):
    assert where.cores(tmp_path / "none", tmp_path / "none") >= 1


@pytest.mark.parametrize(
    "variable, name",
    [
        ("KAGGLE_KERNEL_RUN_TYPE", "kaggle"),
        ("COLAB_RELEASE_TAG", "colab"),
        ("BINDER_LAUNCH_HOST", "binder"),
    ],
)
def test_place(monkeypatch, variable, name):
    for other in ("KAGGLE_KERNEL_RUN_TYPE", "COLAB_RELEASE_TAG", "BINDER_LAUNCH_HOST"):
        monkeypatch.delenv(other, raising=False)
    assert where.place() == "local"
    monkeypatch.setenv(variable, "1")
    assert where.place() == name


def in_new_process(code: str, **variables: str) -> str:
    """What `code` prints in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_threads_are_handed_on_to_what_is_imported_later():
    code = (
        "import os, sys; from helpers import where; where.set_threads(1); "
        "print(os.environ['OMP_NUM_THREADS'], os.environ['TF_NUM_INTRAOP_THREADS'],"
        " 'torch' in sys.modules, 'tensorflow' in sys.modules)"
    )
    assert in_new_process(code, OMP_NUM_THREADS="2") == "1 1 False False"


def test_threads_of_an_imported_framework_change():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    code = (
        "import torch; from helpers import where; torch.set_num_threads(2); "
        "where.set_threads(1); print(torch.get_num_threads())"
    )
    assert in_new_process(code) == "1"


def test_a_smaller_number_that_the_user_set_is_kept():
    code = "from helpers import where; print(where.set_threads())"
    assert in_new_process(code, OMP_NUM_THREADS="1") == "1"


def test_zero_threads_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        where.set_threads(0)


def test_report_names_what_is_missing(monkeypatch):
    monkeypatch.setattr(where, "PACKAGES", ("numpy", "no-such-package"))
    report = where.report()
    assert report["no-such-package"] == "not installed"
    assert report["numpy"][0].isdigit()
    assert all(isinstance(text, str) for text in report.values())


def test_stored_files_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert where.stored("results/ranking.json").read_text().startswith("{")


def test_stored_files_are_found_around_a_notebook_whose_helpers_are_installed(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(where, "AROUND", where.AROUND[1:])
    (tmp_path / "course/results").mkdir(parents=True)
    (tmp_path / "course/keras").mkdir()
    (tmp_path / "course/results/a.json").write_text("{}")
    for folder in (".", "course", "course/keras"):
        monkeypatch.chdir(tmp_path / folder)
        assert where.stored("results/a.json").read_text() == "{}"
    with pytest.raises(FileNotFoundError, match="results/b.json: not here"):
        where.stored("results/b.json")
