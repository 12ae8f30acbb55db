"""Pairs of an image and its mask, from wherever they lie to a batch.

find.py     the pairs below a folder: the Lyft layout, two folders, a zip, Kaggle's mount
pairs.py    one pair, a sequence of them, and how a file is read
verify.py   what is wrong with the files
split.py    training and validation by drive
batches.py  arrays of one size, and shuffled batches of them
"""

from helpers.data.batches import batches, load
from helpers.data.find import find
from helpers.data.pairs import IMAGE_SUFFIXES, Pair, Pairs, read_picture
from helpers.data.split import split
from helpers.data.verify import verify

__all__ = [
    "IMAGE_SUFFIXES",
    "Pair",
    "Pairs",
    "batches",
    "find",
    "load",
    "read_picture",
    "split",
    "verify",
]
