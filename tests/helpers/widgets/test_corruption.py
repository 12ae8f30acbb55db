"""The corruption lab in Python, and its JPEG in JavaScript against Pillow's."""

import io
import json
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from helpers import masks
from helpers.streets import scene
from helpers.widgets import page
from helpers.widgets.corruption import FILTERS, corruption

MASK = scene(35, 0, height=150, width=200)[1]
NODE = """
let text = "";
process.stdin.on("data", (part) => (text += part)).on("end", () => {
  const { ids, width, height, qualities } = JSON.parse(text);
  const all = qualities.map((q) => Array.from(throughJpeg(Uint8Array.from(ids), width, height, q)));
  console.log(JSON.stringify(all));
});"""


def pillow(ids, quality):
    file = io.BytesIO()
    Image.fromarray(ids).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


@pytest.mark.skipif(not shutil.which("node"), reason="no Node.js to run JavaScript with")
@pytest.mark.parametrize("kind", ["street", "odd size", "noise"])
def test_the_pages_jpeg_is_pillows_pixel_by_pixel(kind, tmp_path):
    ids = {
        "street": masks.resize_mask(MASK, 48, 64),
        "odd size": MASK[:53, :71].copy(),
        "noise": np.random.default_rng(0).integers(0, 256, (32, 24), np.uint8),
    }[kind]
    qualities = [1, 5, 20, 49, 50, 51, 75, 90, 95, 99, 100]
    script = tmp_path / "jpeg.js"
    script.write_text(page.joined("corruption.js").split("export default")[0] + NODE)
    height, width = ids.shape
    asked = {"ids": ids.ravel().tolist(), "width": width, "height": height, "qualities": qualities}
    said = subprocess.run(
        ["node", script], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    for quality, found in zip(qualities, json.loads(said.stdout), strict=True):
        assert (np.reshape(found, ids.shape) == pillow(ids, quality)).all(), quality


def test_nearest_invents_nothing_and_the_others_do():
    widget = corruption(MASK, 48, 64)
    for name in FILTERS:
        widget.resize = name
        changed = (widget.damaged != masks.resize_mask(MASK, 48, 64)).sum()
        assert f"Resized by {name}: {changed:,} of 3,072 pixels" in widget.text()
        assert (changed == 0) == (name == "nearest")


def test_the_words_count_what_is_invented():
    widget = corruption(MASK, 48, 64)
    widget.resize, widget.jpeg, widget.quality = "nearest", True, 60
    right = masks.resize_mask(MASK, 48, 64)
    damaged = pillow(right, 60)
    assert (widget.damaged == damaged).all()
    for k in np.unique(damaged):
        here = damaged == k
        line = next(s for s in widget.text().splitlines() if s.startswith(f"{k:4} "))
        assert line.endswith(f"{here.sum():8,} {(right != damaged)[here].mean():9.0%}")
    assert "no such class" in widget.text()


def test_the_still_picture_gives_ids_of_no_class_black_and_white():
    widget = corruption(MASK, 48, 64)
    widget.jpeg, widget.quality = True, 60
    unknown = widget.damaged > 12
    assert unknown.any() and set(np.unique(widget.picture()[unknown])) <= {0, 255}


@pytest.mark.parametrize(
    "change, says",
    [
        ({"mask": MASK.astype(float)}, "must be ids, uint8"),
        ({"mask": MASK + 30}, "class id"),
        ({"height": 600, "width": 800}, "up to 65,536"),
    ],
)
def test_errors_name_the_remedy(change, says):
    with pytest.raises(ValueError, match=says):
        corruption(**{"mask": MASK, **change})
