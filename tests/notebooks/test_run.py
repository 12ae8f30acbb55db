"""The runner sees what is wrong with a notebook that runs to its end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import build
import run


@pytest.fixture
def faults(monkeypatch):
    """Runs a notebook of these code cells under the heading Exercises and gives its faults."""

    def made(*codes: str, solved: bool = False) -> str:
        cells = [build.markdown("## Exercises")]
        cells += [{"cell_type": "code", "source": code, "metadata": {}} for code in codes]
        notebook = build.notebook(cells, salt="")
        monkeypatch.setattr(run, "lessons", lambda: {Path("course/x.ipynb"): (Path("x.py"), None)})
        monkeypatch.setattr(run, "lesson", lambda text, track, solved: notebook)
        return "\n".join(run.run(Path("course/x.ipynb"), solved).faults)

    return made


STUB = "from helpers.check import exercise\ndef f(x):\n    ..."
RIGHT = "from helpers.check import exercise\ndef f(x):\n    return x"
CHECK = "exercise(f, lambda x: x, inputs=[(1,), (2,)])"


def test_a_good_notebook(faults):
    assert faults(STUB, CHECK) == ""
    assert faults(RIGHT, CHECK, solved=True) == ""


def test_an_error_names_its_cell(faults):
    assert "cell 2 stops" in (said := faults("x = 1", "x / 0"))
    assert "ZeroDivisionError" in said and "\x1b" not in said


def test_a_solution_that_is_not_accepted(faults):
    assert "the solution is not accepted: ✗" in faults(
        RIGHT, "exercise(f, lambda x: x + 1, inputs=[(1,)])", solved=True
    )


def test_a_solution_in_the_students_copy(faults):
    assert "the empty stub is not told 'Not done yet'" in faults(RIGHT, CHECK)


def test_a_picture_without_alt_text(faults):
    drawn = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    assert "cell 1: a picture without alt text" in faults(drawn)


def test_a_picture_of_a_slider_without_alt_text(faults):
    drawn = """%matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import interact
interact(lambda n: plt.plot([n, 2]) and plt.show(), n=(0, 3));"""
    assert "cell 1: a picture without alt text" in faults(drawn)


def test_a_lesson_gets_nothing_from_the_network(faults):
    said = faults("import urllib.request\nurllib.request.urlopen('https://example.org')")
    assert "Connection refused" in said


def test_memory_is_measured_and_limited(faults, monkeypatch):
    monkeypatch.setitem(run.PEAK_MIB, None, 150)
    assert "peak memory is" in faults("block = b'x' * (150 * 2**20)")


def test_the_table_adds_up_a_track_with_the_lessons_of_both():
    rows = [
        {"notebook": name, "track": track, "seconds": seconds, "peak_mib": 300, "ok": ok}
        for name, track, seconds, ok in (
            ("course/00_a.ipynb", None, 60, True),
            ("course/pytorch/04_b.ipynb", "pytorch", 90, False),
            ("course/keras/04_b.ipynb", "keras", 1200, True),
        )
    ]
    said = [line.split() for line in run.table(rows).splitlines()[1:]]
    assert said[1] == ["course/pytorch/04_b.ipynb", "1.5", "300", "✗"]
    assert said[3][:4] == ["all", "of", "keras", "21.0"] and "20 at most" in " ".join(said[3])
    assert said[4] == ["all", "of", "pytorch", "2.5"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux counts processor time")
def test_seconds_are_those_of_the_processor_and_children_count():
    spin = "import time; start = time.process_time()\nwhile time.process_time() - start < 0.3: pass"
    before = run.seconds(os.getpid())
    time.sleep(0.5)
    idle = run.seconds(os.getpid()) - before
    subprocess.run([sys.executable, "-c", spin], check=True)
    assert idle < 0.3 <= run.seconds(os.getpid()) - before - idle + 0.02
