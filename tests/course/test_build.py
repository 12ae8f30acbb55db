"""What the builder makes of a text."""

import json

import nbformat
import pytest

import build

LESSON = """\
# %% [markdown]
# # 04 · A lesson

# %% tags=["torch"]
import torch

# %% tags=["keras"]
import keras

# %%
def double(x):
    # BEGIN SOLUTION
    y = 2 * x
    return y
    # END SOLUTION

# %% tags=["test"]
assert double(2) == 4

# %% [markdown]
# ## Exercises

# %%
exercise(double, lambda x: 2 * x)

# %%
exercise(double, lambda x: 2 * x)
"""


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "04_a_lesson.py"
    path.write_text(LESSON)
    return path


def own(notebook: dict) -> list[dict]:
    """The code cells of the text, without the one that fetches the course in Colab."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in code if "colab" not in cell["metadata"].get("tags", ())]


def sources(notebook: dict) -> list[str]:
    return ["".join(cell["source"]) for cell in own(notebook)]


def test_each_track_gets_its_own_cells(text):
    assert build.tracks(text) == ["pytorch", "keras"]
    assert sources(build.lesson(text, "pytorch"))[0] == "import torch"
    assert sources(build.lesson(text, "keras"))[0] == "import keras"
    assert not any("keras" in code for code in sources(build.lesson(text, "pytorch")))


def test_the_first_lessons_have_one_notebook(text):
    early = text.with_name("03_a_lesson.py")
    assert build.tracks(early) == [None]
    assert build.target(early, None).as_posix() == "course/03_a_lesson.ipynb"
    assert build.target(text, "keras").as_posix() == "course/keras/04_a_lesson.ipynb"


def test_students_get_stubs_and_no_tests(text):
    code = sources(build.lesson(text, "pytorch"))
    assert code[1] == "def double(x):\n    ...  # your code here"
    assert not any("assert" in cell for cell in code)


def test_the_solved_copy_keeps_both(text):
    code = sources(build.lesson(text, "pytorch", solved=True))
    assert "return y" in code[1]
    assert code[2] == "assert double(2) == 4"


def test_what_gives_an_answer_away_is_folded(text):
    cells = own(build.lesson(text, "pytorch"))
    hidden = [c for c in cells if c["metadata"].get("jupyter", {}).get("source_hidden")]
    assert [c["source"] for c in hidden] == [["exercise(double, lambda x: 2 * x)"]] * 2


def test_a_reference_of_its_own_cell_is_folded_and_the_stub_is_not(text):
    reference = "# %%\ndef right(x):\n    return 2 * x\n\n"
    everything = LESSON.replace("04 · A lesson", "04 · A lesson\n#\n# ## Exercises")
    text.write_text(everything.replace("# %%\nexercise(", f"{reference}# %%\nexercise(", 1))
    for solved in (False, True):
        cells = build.lesson(text, "pytorch", solved)["cells"]
        hidden = {"".join(c["source"])[:9]: bool(c["metadata"].get("jupyter")) for c in cells}
        assert hidden["def right"] and not hidden["def doubl"]


def test_notebooks_are_valid_and_without_outputs(text):
    for solved in (False, True):
        made = build.lesson(text, "pytorch", solved)
        nbformat.validate(nbformat.from_dict(made))
        assert all(c["outputs"] == [] for c in made["cells"] if c["cell_type"] == "code")


def test_ids_are_unique_and_survive_a_change_elsewhere(text):
    ids = [cell["id"] for cell in build.lesson(text, "pytorch")["cells"]]
    assert len(set(ids)) == len(ids)  # the last two cells read the same
    text.write_text(LESSON.replace("import torch", "import torch  # changed"))
    changed = [cell["id"] for cell in build.lesson(text, "pytorch")["cells"]]
    assert [a == b for a, b in zip(ids, changed, strict=True)].count(False) == 1


def test_the_same_text_gives_the_same_bytes(text):
    once, again = (build.to_text(build.lesson(text, "keras")) for _ in range(2))
    assert once == again
    assert once.endswith("}\n")


def test_the_cell_for_colab_comes_before_all_other_code_and_is_folded(text):
    cells = build.lesson(text, "keras")["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert first["metadata"]["tags"] == ["colab"]
    assert first["metadata"]["jupyter"] == {"source_hidden": True}
    assert "".join(first["source"]).endswith("/course/keras")


def test_assignments_keep_solutions_and_nbgrader_metadata(tmp_path):
    path = tmp_path / "masks.py"
    path.write_text(
        '# %% nbgrader={"grade": true, "grade_id": "q1", "points": 2, "locked": false, '
        '"solution": true}\n# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n'
    )
    (cell,) = build.assignment(path)["cells"]
    assert "".join(cell["source"]).splitlines()[1] == "x = 1"
    assert cell["metadata"]["nbgrader"]["schema_version"] == 3
    assert cell["metadata"]["nbgrader"]["points"] == 2


@pytest.fixture
def house(tmp_path, monkeypatch, text):
    """A repository with one lesson, derived."""
    (tmp_path / "course/source").mkdir(parents=True)
    (tmp_path / "course/measured.json").write_text("{}")
    text.rename(tmp_path / "course/source" / text.name)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["build.py"])
    build.main()
    return tmp_path


def test_check_is_silent_when_all_is_derived(house):
    assert build.check(build.derive()) is None


def test_check_names_the_first_difference(house):
    path = house / "course/keras/04_a_lesson.ipynb"
    notebook = json.loads(path.read_text())
    notebook["cells"][3]["source"] = ["import torch"]
    path.write_text(build.to_text(notebook))
    assert build.check(build.derive()).startswith("course/keras/04_a_lesson.ipynb, cell 3: source")


def test_check_names_what_is_missing_and_what_has_no_text(house):
    (house / "course/keras/04_a_lesson.ipynb").unlink()
    assert build.check(build.derive()) == "course/keras/04_a_lesson.ipynb is missing"
    build.main()
    (house / "course/02_old.ipynb").write_text("{}")
    assert build.check(build.derive()) == "course/02_old.ipynb has no text in course/source"


def test_keep_work_leaves_notebooks_that_were_opened_alone(house, monkeypatch, capsys):
    worked, fresh = (house / f"course/{t}/04_a_lesson.ipynb" for t in ("pytorch", "keras"))
    notebook = nbformat.read(worked, 4)
    notebook.metadata.language_info.version = "3.12.1"  # Jupyter writes it when it saves
    nbformat.write(notebook, worked)
    before = worked.read_text()
    text = house / "course/source/04_a_lesson.py"
    text.write_text(LESSON.replace("04 · A lesson", "04 · A better lesson"))
    monkeypatch.setattr("sys.argv", ["build.py", "--keep-work"])
    build.main()
    assert worked.read_text() == before
    assert "A better lesson" in fresh.read_text()
    assert "kept course/pytorch/04_a_lesson.ipynb" in capsys.readouterr().out
