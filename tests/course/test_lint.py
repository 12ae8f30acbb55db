"""Each rule of the anatomy meets a text that breaks it."""

import subprocess
import sys

import pytest

import lint

EXERCISE = """
# %% [markdown]
# ### Exercise {n} · Something
#
# <details><summary>Hint 1</summary> Think. </details>

# %%
figures.show(figure, alt="The target: a line.")

# %%
def f(x):
    # BEGIN SOLUTION
    return x
    # END SOLUTION

# %%
exercise(f, lambda x: x)
"""


def section(words: str) -> str:
    return f"\n# %% [markdown]\n# ## {words}\n#\n# Some words.\n"


GOOD = (
    "# %% [markdown]\n# # 04 · A lesson\n"
    + section("What you will be able to do")
    + section("Predict first")
    + section("The idea")
    + '\n# %% tags=["torch"]\nimport torch\n'
    + section("Exercises")
    + "".join(EXERCISE.format(n=n) for n in (1, 2, 3))
    + section("Quiz")
    + '\n# %%\nquiz("Why?", {"a": "b"}, answer="a")\n'
    + "".join(map(section, ("Pitfalls", "What to remember", "References")))
)


@pytest.fixture
def faults(tmp_path):
    """Lints a text that was changed in one place."""

    def changed(old: str = "", new: str = "", name: str = "04_a_lesson.py") -> str:
        assert old in GOOD
        path = tmp_path / name
        path.write_text(GOOD.replace(old, new, 1))
        return "\n".join(lint.lint(path))

    return changed


def test_a_good_lesson_has_no_faults(faults):
    assert faults() == ""


@pytest.mark.parametrize(
    "old, new, fault",
    [
        ("# # 04 · A lesson", "# # 4. A lesson", "should begin with '# 04 · "),
        ("## Predict first", "## Guess first", "the first sections should be"),
        ("## Pitfalls", "## Traps", "the last sections should be"),
        (section("The idea"), "", "no section of its own"),
        (EXERCISE.format(n=3), "", "2 exercises; there should be 3"),
        ("### Exercise 2", "### Exercise 5", "should begin with 'Exercise 2'"),
        ("<summary>Hint 1</summary>", "", "Exercise 1 has no folded hint"),
        ("exercise(f, lambda x: x)", "f(1)", "Exercise 1 has no check"),
        ('figures.show(figure, alt="The target: a line.")', "x = 1", "no target picture"),
        ('quiz("Why?", {"a": "b"}, answer="a")', "x = 1", "the section Quiz asks nothing"),
        ("    # END SOLUTION\n", "", "do not pair up"),
        ("import torch", "x = 1\n" * 26, "26 lines of code; 25 at most"),
        ("import torch", "x = " + "1 + " * 30 + "1", "columns in 'x = 1 + 1"),
        ("import torch", "import keras", 'imports keras; give the cell tags=["keras"]'),
        ("import torch", "from helpers.keras import unet", "imports helpers.keras.unet"),
        ("import torch", 'a = open_url("https://example.org/a.png")', "need no network"),
        ("import torch", "plt.show()", "plt.show() leaves no alt text"),
        ("import torch", "x = = 1", "no Python"),
        ('tags=["torch"]', 'tags=["pytorch"]', "unknown tag 'pytorch'"),
        ("Some words.", "![](a.png)", "the picture a.png has no alt text"),
        ("Some words.", '<img src="https://a.org/b.png" alt="B">', "comes from the network"),
        ("Some words.", "<details>", "a <details> is not closed"),
        (section("Predict first"), section("Predict first") + "\n# %%\n1\n" * 16, "are text"),
    ],
)
def test_each_fault_is_named(faults, old, new, fault):
    assert fault in faults(old, new)


def test_frameworks_wait_until_lesson_04(faults):
    said = faults("# # 04", "# # 03", name="03_a_lesson.py")
    assert "imports torch; lessons before 04 need NumPy only" in said


def test_headings_inside_code_blocks_do_not_count(faults):
    assert faults("Some words.", "Words.\n#\n# ```\n# ## no heading\n# ```") == ""


def test_the_command_says_whether_all_is_well(repo):
    run = subprocess.run([sys.executable, "course/lint.py"], cwd=repo, capture_output=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
