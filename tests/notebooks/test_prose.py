"""Spelling of what people read, and the readability hint."""

import prose
import pytest


@pytest.mark.parametrize("path", prose.paths(), ids=lambda path: path.name)
def test_every_word_is_spelt_right_or_ours(path):
    assert [word for piece in prose.pieces(path) for word in prose.unknown(piece)] == []


def test_own_words_are_sorted_and_needed():
    words = (prose.ROOT / "course/words.txt").read_text("utf-8").split()
    assert words == sorted(set(words), key=lambda word: (word.lower(), word))
    assert [word for word in words if prose.dictionary().lookup(word)] == []


def test_a_misspelling_is_found_and_code_is_not_read():
    text = "The maskk of `np.argmaxx` is $xyzq$. Its color and the U-Nets’ [loss](lsos.md) <qqx>"
    assert prose.unknown(text) == ["maskk", "color"]
    code = {"source": 'f("a label has wrnog ids", kay="shrot") # coment'}
    assert [prose.unknown(piece) for piece in prose.said(code)] == [["wrnog"]]


def test_readability():
    text = "# No heading counts.\nYou see one mask. It has a class, for each of seven pixels!"
    length, lix = prose.readability(text)  # 4 and 9 words, none longer than six letters
    assert (length, lix) == (6.5, 6.5)
    assert prose.readability("Segmentation is easy.") == (3, pytest.approx(3 + 100 / 3))
