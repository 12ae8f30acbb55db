"""Check the texts of the lessons against the anatomy in CONTRIBUTING.md: python course/lint.py

Prints one line for each fault, 'file, cell: what is wrong and what to do', and fails if any.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from build import FIRST_WITH_TRACKS, TRACKS, read, texts

OPENING = ["What you will be able to do", "Predict first"]
CLOSING = ["Exercises", "Quiz", "Pitfalls", "What to remember", "References"]
LINES, COLUMNS, TEXT_SHARE, EXERCISES = 25, 88, 0.4, 3
# a package -> the tag that a cell needs to import it
FRAMEWORKS = {"torch": "torch", "keras": "keras", "tensorflow": "keras"}
FRAMEWORKS |= {"helpers.pytorch": "torch", "helpers.keras": "keras"}
HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def lint(text: Path) -> list[str]:
    """What is wrong with one lesson, a sentence each."""
    cells = read(text)
    faults = [f"{text.name}: {fault}" for fault in [*headings(text, cells), *exercises(cells)]]
    share = sum(cell["cell_type"] == "markdown" for cell in cells) / len(cells)
    if share < TEXT_SHARE:
        faults.append(f"{text.name}: {share:.0%} of the cells are text; {TEXT_SHARE:.0%} should be")
    both = int(text.name[:2]) >= FIRST_WITH_TRACKS
    for n, cell in enumerate(cells):
        rules = code_faults(cell, both) if cell["cell_type"] == "code" else text_faults(cell)
        faults += [f"{text.name}, cell {n}: {fault}" for fault in rules]
    return faults


def outline(cells: list[dict]) -> list[tuple[int, int, str]]:
    """The headings in order: (number of the cell, level, words)."""
    return [
        (n, len(marks), words)
        for n, cell in enumerate(cells)
        if cell["cell_type"] == "markdown"
        for marks, words in HEADING.findall(FENCE.sub("", cell["source"]))
    ]


def headings(text: Path, cells: list[dict]) -> Iterator[str]:
    """Faults of the title and of the sections' names and order."""
    found = outline(cells)
    title = f"{text.name[:2]} · "
    if not found or found[0][:2] != (0, 1) or not found[0][2].startswith(title):
        yield f"the first cell should begin with '# {title}…'"
    sections = [words for _, level, words in found if level == 2]
    if sections[: len(OPENING)] != OPENING:
        yield f"the first sections should be: {', '.join(OPENING)}"
    if sections[-len(CLOSING) :] != CLOSING:
        yield f"the last sections should be: {', '.join(CLOSING)}"
    if len(sections) <= len(OPENING) + len(CLOSING):
        yield "there is no section of its own between 'Predict first' and 'Exercises'"


def exercises(cells: list[dict]) -> Iterator[str]:
    """Faults of the exercises: number, hints, stub, target picture, check; and of the quiz."""
    found = outline(cells)
    starts = {words: n for n, level, words in found if level == 2}
    if not {"Exercises", "Quiz", "Pitfalls"} <= starts.keys():
        return  # told by headings()
    quiz = "".join(cell["source"] for cell in cells[starts["Quiz"] : starts["Pitfalls"]])
    if "quiz(" not in quiz:
        yield "the section Quiz asks nothing: call quiz(…)"
    within = [
        (n, words)
        for n, level, words in found
        if level == 3 and starts["Exercises"] <= n < starts["Quiz"]
    ]
    if len(within) < EXERCISES:
        yield f"{len(within)} exercises; there should be {EXERCISES} at least"
    ends = [n for n, _ in within[1:]] + [starts["Quiz"]]
    for number, ((start, words), end) in enumerate(zip(within, ends, strict=True), 1):
        name = f"Exercise {number}"
        if not re.match(rf"{name}\b", words):
            yield f"'### {words}' should begin with '{name}'"
        prose = "".join(c["source"] for c in cells[start:end] if c["cell_type"] == "markdown")
        code = "".join(c["source"] + "\n" for c in cells[start:end] if c["cell_type"] == "code")
        if "<summary>Hint 1</summary>" not in prose:
            yield f"{name} has no folded hint: <details><summary>Hint 1</summary>"
        if "# BEGIN SOLUTION" not in code:
            yield f"{name} has no cell with '# BEGIN SOLUTION' and '# END SOLUTION'"
        if "exercise(" not in code:
            yield f"{name} has no check: call exercise(…)"
        if "alt=" not in code:
            yield f"{name} has no target picture: a figure with alt=…"


def code_faults(cell: dict, both_tracks: bool) -> Iterator[str]:
    """Faults of a code cell: size, solution marks, imports, addresses, figures."""
    source, tags = cell["source"], set(cell["metadata"].get("tags", []))
    lines = source.splitlines()
    if len(lines) > LINES:
        yield f"{len(lines)} lines of code; {LINES} at most"
    if long := [line for line in lines if len(line) > COLUMNS]:
        yield f"{len(long[0])} columns in '{long[0].strip()[:40]}…'; {COLUMNS} at most"
    if source.count("# BEGIN SOLUTION") != source.count("# END SOLUTION"):
        yield "BEGIN SOLUTION and END SOLUTION do not pair up"
    if unknown := tags - {*TRACKS.values(), "test"}:
        yield f"unknown tag '{unknown.pop()}'; there are torch, keras and test"
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"no Python: {error.msg} in line {error.lineno}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.match(r"https?://", node.value):
                yield f"fetches {node.value}? Lessons need no network"
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "plt.show":
            yield "plt.show() leaves no alt text: call figures.show(figure, alt=…)"
        for module in imported(node):
            needed = framework(module)
            if needed and not both_tracks:
                yield f"imports {module}; lessons before {FIRST_WITH_TRACKS:02} need NumPy only"
            elif needed and needed not in tags:
                yield f'imports {module}; give the cell tags=["{needed}"]'


def imported(node: ast.AST) -> list[str]:
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def framework(module: str) -> str | None:
    """The tag of the framework that a module belongs to, or None."""
    for package, tag in FRAMEWORKS.items():
        if module == package or module.startswith(package + "."):
            return tag
    return None


def text_faults(cell: dict) -> Iterator[str]:
    """Faults of a text cell: pictures without alt text or from the network, open folds."""
    source = cell["source"]
    for alt, address in re.findall(r"!\[(.*?)\]\((.*?)\)", source):
        if not alt.strip():
            yield f"the picture {address} has no alt text"
        if address.startswith("http"):
            yield f"the picture {address} comes from the network"
    for tag in re.findall(r"<img\b[^>]*>", source):
        if not re.search(r"alt=['\"]\S", tag):
            yield f"{tag[:60]} has no alt text"
        if re.search(r"src=['\"]https?:", tag):
            yield f"{tag[:60]} comes from the network"
    if source.count("<details") != source.count("</details>"):
        yield "a <details> is not closed"


def main() -> None:
    faults = [fault for text in texts() for fault in lint(text)]
    sys.exit("\n".join(faults) or 0)


if __name__ == "__main__":
    main()
