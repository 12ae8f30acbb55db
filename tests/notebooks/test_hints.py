"""Each known mistake of an exercise is answered with its own hint, not with another's."""

import json
import os
import subprocess
import sys

import pytest

import build

# runs a solved lesson; at each check it hands in the mistakes in place of the answer
PROBE = """
import contextlib, io, json, sys
import helpers.check
check, replies = helpers.check.exercise, []

def exercise(answer, reference, inputs=((),), mistakes=None, **how):
    for hint, mistake in (mistakes or {}).items():
        with contextlib.redirect_stdout(io.StringIO()) as said:
            check(mistake, reference, inputs, mistakes, **how)
        replies.append((hint, said.getvalue()))

helpers.check.exercise = exercise
space = {"__name__": "__main__"}
for cell in json.load(sys.stdin)["cells"]:
    if cell["cell_type"] == "code" and "colab" not in cell["metadata"].get("tags", ()):
        exec("".join(cell["source"]), space)
print("\\n" + json.dumps(replies))
"""
BEFORE_THE_TRACKS = [text for text in build.texts() if build.tracks(text) == [None]]


@pytest.mark.parametrize("text", BEFORE_THE_TRACKS, ids=lambda text: text.stem)
def test_each_mistake_gets_its_own_hint(text):
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=build.to_text(build.lesson(text, None, solved=True)),
        cwd=build.ROOT / "course",
        env={**os.environ, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    replies = json.loads(done.stdout.splitlines()[-1])
    assert len(replies) >= 3
    assert [(hint, said) for hint, said in replies if hint not in said] == []
