"""Pairs of an image and its mask, from wherever they lie to a batch.

download.py a dataset from Kaggle
find.py     the pairs below a folder: the Lyft layout, two folders, a zip, Kaggle's mount
archive.py  files in a zip, read without unpacking
pairs.py    one pair, and a sequence of them
pictures.py how a picture and a mask are read, and what may be wrong with a file
verify.py   what is wrong with the files
repair.py   a new folder with the good pairs, and with what can be mended
sheet.py    some pairs in one picture
split.py    training and validation by drive
near_duplicates.py  frames that are too much alike, for the proof that a split has no leak
batches.py  arrays of one size, and shuffled batches of them
"""

from helpers.data.batches import batches, load
from helpers.data.download import download
from helpers.data.find import find, pair_folders
from helpers.data.near_duplicates import fingerprint, near_duplicates
from helpers.data.pairs import Pair, Pairs
from helpers.data.pictures import IMAGE_SUFFIXES, Fault, read_mask, read_picture
from helpers.data.repair import repair
from helpers.data.split import split
from helpers.data.verify import verify

__all__ = [
    "IMAGE_SUFFIXES",
    "Fault",
    "Pair",
    "Pairs",
    "batches",
    "download",
    "find",
    "fingerprint",
    "load",
    "near_duplicates",
    "pair_folders",
    "read_mask",
    "read_picture",
    "repair",
    "split",
    "verify",
]
