"""Masks in every format read as the same ids; damaged files are sentences."""

import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from helpers import data

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))


def palette_picture(ids):
    picture = Image.fromarray(ids, "P")
    picture.putpalette(np.random.default_rng(1).integers(0, 256, 768, np.uint8).tobytes())
    return picture


FORMATS = {
    "grey.png": lambda ids: Image.fromarray(ids),
    "grey.bmp": lambda ids: Image.fromarray(ids),
    "grey.tif": lambda ids: Image.fromarray(ids),
    "lyft.png": lambda ids: Image.fromarray(np.dstack([ids, ids * 0, ids * 0])),
    "three.png": lambda ids: Image.fromarray(np.dstack([ids] * 3)),
    "three.bmp": lambda ids: Image.fromarray(np.dstack([ids] * 3)),
    "rgba.png": lambda ids: Image.fromarray(np.dstack([ids, ids, ids, ids * 0 + 9])),
    "la.png": lambda ids: Image.fromarray(np.dstack([ids, ids * 0 + 9])),
    "palette.png": palette_picture,
    "palette.bmp": palette_picture,
    "palette.tif": palette_picture,
    "deep.png": lambda ids: Image.fromarray(ids.astype(np.uint16)),
    "deep.tif": lambda ids: Image.fromarray(ids.astype(np.uint16)),
    "deeper.tif": lambda ids: Image.fromarray(ids.astype(np.int32)),
}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(ids=arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_every_mask_reads_back_as_the_same_ids_from_every_lossless_format(name, ids):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        FORMATS[name](ids).save(path)
        assert np.array_equal(data.read_mask(path), ids)


def test_a_row_of_16_bytes_is_not_taken_for_16_bits(tmp_path):
    Image.new("RGB", (5, 1)).save(tmp_path / "a.bmp")
    assert data.read_mask(tmp_path / "a.bmp").shape == (1, 5)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what a TIFF lacks
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_never_raises_anything_but_a_sentence(draw):
    """Bytes of a PNG, JPEG, BMP or TIFF are changed, or its end is cut off."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a." + draw.draw(st.sampled_from(["png", "jpg", "bmp", "tif"])))
        NOISE.save(path)
        content = bytearray(path.read_bytes())
        for place in draw.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
            content[place] = draw.draw(st.integers(0, 255))
        path.write_bytes(content[: draw.draw(st.integers(0, len(content)))])
        for read in (lambda: data.read_picture(path, "RGB"), lambda: data.read_mask(path)):
            try:
                assert read().ndim in (2, 3)
            except ValueError as error:
                assert str(error).split(":")[0].endswith(path.name)


def test_colours_are_refused_and_counted(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[0, 0], picture[1] = (128, 64, 128), (0, 0, 9)
    Image.fromarray(picture).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"/a.png: 3 colours, not class ids. Turn each colour"):
        data.read_mask(tmp_path / "a.png")
    NOISE.save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"/b.png: 2\d\d\d colours"):
        data.read_mask(tmp_path / "b.png")


def test_three_channels_of_16_bits_are_refused(tmp_path):
    """Pillow keeps the upper 8 bits of such a file, so every id would be 0."""
    ids = np.arange(12, dtype=">u2").reshape(3, 4)
    rows = b"".join(b"\0" + np.stack([row] * 3, -1).tobytes() for row in ids)
    header = struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        file += struct.pack(">I", len(body)) + kind + body
        file += struct.pack(">I", zlib.crc32(kind + body))
    (tmp_path / "deep.png").write_bytes(file)
    with pytest.raises(ValueError, match="three channels of 16 bits.*Save it with 8 bits"):
        data.pictures.read_mask(tmp_path / "deep.png")
    assert data.read_picture(tmp_path / "deep.png").shape == (3, 4, 3)


def test_an_array_that_was_read_can_be_written_to(tmp_path):
    Image.fromarray(np.ones((4, 6), np.uint8)).save(tmp_path / "a.png")
    mask, picture = data.read_mask(tmp_path / "a.png"), data.read_picture(tmp_path / "a.png", "RGB")
    mask[0, 0] = picture[0, 0] = 7
    assert mask[0, 0] == 7 and picture.shape == (4, 6, 3)
