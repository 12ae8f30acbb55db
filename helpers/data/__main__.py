"""Datasets from the command line: `python -m helpers.data verify FOLDER`, show, download.

Exit code: 0 all is well, 1 faults were found, 2 the call was wrong.
"""

import argparse
import sys
import textwrap
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from helpers.classes import LYFT, numbered
from helpers.data.find import find, pair_folders
from helpers.data.pairs import Pairs
from helpers.data.pictures import Fault
from helpers.data.repair import check_new, repair
from helpers.data.verify import verify

WIDTH, EXAMPLES = 100, 3


def main(arguments: list[str] | None = None) -> int:
    sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (OSError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _verify(options: argparse.Namespace) -> int:
    pairs = _pairs(options)
    if options.fix:
        check_new(options.fix)  # says so before minutes of reading
    faults = verify(pairs)
    print(report(pairs, faults))
    if options.fix:
        left_out = repair(pairs, faults, options.fix)
        print(_repaired(options.fix, pairs, left_out))
    return 1 if faults else 0


def _show(options: argparse.Namespace) -> int:
    from helpers.data.sheet import contact_sheet  # loads matplotlib

    for sentence in contact_sheet(_pairs(options), options.out, options.number):
        print(f"left out: {sentence}")
    print(f"{options.out} is written.")
    return 0


def _download(options: argparse.Namespace) -> int:
    from helpers.data.download import download

    download(options.folder)
    return 0


def _pairs(options: argparse.Namespace) -> Pairs:
    if options.masks:
        pairs = pair_folders(options.images, options.masks)
    else:
        pairs = find(options.images)
    if options.classes:
        lyft = all(pair.lyft for pair in pairs.items) and options.classes == len(LYFT)
        return replace(pairs, classes=LYFT if lyft else numbered(options.classes))
    if not all(pair.lyft for pair in pairs.items):
        raise ValueError("How many classes? Say --classes N; ids are 0 to N-1, and 255 is ignored.")
    return pairs


def report(pairs: Pairs, faults: list[Fault]) -> str:
    """What `verify` found, as a table of 100 columns: kind, count, first examples, what to do."""
    if not faults:
        return f"{len(pairs)} pairs, all good."
    kinds = defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault)
    lines = [f"{'fault':11}{'count':>6}  {'--fix':7}first examples, and what to do", "─" * WIDTH]
    for kind, found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        mended = sum(fault.repairable for fault in found)
        fix = {0: "no", len(found): "yes"}.get(mended, "some")
        texts = [fault.message for fault in found[:EXAMPLES]]
        if len(found) > EXAMPLES:
            texts.append(f"and {len(found) - EXAMPLES} more")
        start = f"{kind:11}{len(found):6}  {fix:7}"
        for text in texts:
            lines += _wrapped(text, start, "  ")
            start = " " * len(start)
        lines += _wrapped("→ " + found[0].remedy, start, "  ")
    return "\n".join([*lines, "─" * WIDTH, f"{_without(pairs, faults)} pairs are good."])


def _repaired(folder: Path, pairs: Pairs, left_out: list[Fault]) -> str:
    lines = [""]
    for fault in left_out:
        lines += _wrapped(f"left out: {fault.message}", "", "  ")
    return "\n".join([*lines, f"{_without(pairs, left_out)} pairs are in {folder}."])


def _without(pairs: Pairs, faults: list[Fault]) -> str:
    bad = {fault.path for fault in faults}
    good = sum(not {pair.image, pair.mask} & bad for pair in pairs.items)
    return f"{good} of {len(pairs)}"


def _wrapped(text: str, start: str, hang: str) -> list[str]:
    rest = " " * len(start) + hang
    return textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m helpers.data", description="Looks at datasets of images and masks."
    )
    commands = parser.add_subparsers(required=True, metavar="verify | show | download")
    check = commands.add_parser(
        "verify",
        help="what is wrong with the files",
        description="Reads every file and prints what is wrong. Exit code: 0 clean, 1 faults, "
        "2 wrong call.",
    )
    check.add_argument(
        "--fix",
        type=Path,
        metavar="NEW",
        help="write what is good, and what can be mended without loss, into this new folder",
    )
    show = commands.add_parser(
        "show",
        help="some pairs as one picture",
        description="Draws some pairs as overlays with their names and a legend.",
    )
    show.add_argument("--out", type=Path, default=Path("pairs.png"), help="where to write")
    show.add_argument("--number", type=int, default=9, help="how many pairs")
    for command, run in ((check, _verify), (show, _show)):
        command.set_defaults(run=run)
        command.add_argument(
            "images", type=Path, help="the images, or the folder or zip of a dataset"
        )
        command.add_argument("masks", type=Path, nargs="?", help="the masks, if they lie elsewhere")
        command.add_argument(
            "--classes",
            type=int,
            metavar="N",
            help="ids are 0 to N-1; for the Lyft layout it is known",
        )
    fetch = commands.add_parser("download", help="fetch the Lyft-Udacity data from Kaggle")
    fetch.set_defaults(run=_download)
    fetch.add_argument(
        "folder", type=Path, nargs="?", default=Path("data/lyft"), help="where to put it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
