"""Every fault on real files, its repair, and the command line."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from helpers import data
from helpers.classes import CAMVID, numbered
from helpers.data.__main__ import report
from helpers.data.pictures import REMEDIES

CLASSES = numbered(6)
RNG = np.random.default_rng(0)
IDS = np.repeat(np.repeat(RNG.integers(0, 6, (4, 6), np.uint8), 10, 0), 10, 1)
"""A mask, 40×60, of patches of 10×10; and a photo of the same patches."""
PHOTO = Image.fromarray(CLASSES.palette[IDS] // 2 + RNG.integers(0, 60, (40, 60, 3), np.uint8))


def save(picture, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    picture.save(path, **options)


def palette_picture(ids):
    picture = Image.fromarray(ids, "P")
    picture.putpalette(np.random.default_rng(1).integers(0, 256, 768, np.uint8).tobytes())
    return picture


def rotated(turn):
    """What a camera writes that was held upright: pixels as they were read, and a tag."""
    tag = Image.Exif()
    tag[ExifTags.Base.Orientation] = turn
    return {"exif": tag}


def one_of_each(root):
    """A folder with a good pair in each format that is legitimate, and a pair for each fault."""
    images, masks = root / "train_images", root / "train_segmentation"
    zeros = np.zeros_like(IDS)
    names = {
        "good": IDS,
        "good_lyft": np.dstack([IDS, zeros, zeros]),
        "good_grey": np.dstack([IDS] * 3),
        "ids": np.where(np.arange(60) == 50, np.uint8(17), IDS),
        "colours": CLASSES.palette[IDS],
        "16_bit": IDS.astype(np.uint16),
        "16_bit_ids": np.where(IDS == 5, np.uint16(1005), IDS),
        "1_bit": IDS > 2,
        "alpha": np.dstack([IDS, zeros, zeros, zeros + 255]),
        "palette": palette_picture(IDS),
        "size": IDS[:20, :30],
        "cut_off": IDS,
        "cut_off_image": IDS,
        "missing": IDS,
        "link": IDS,
        "same_name": IDS,
        "twice": IDS,
        "rotated": np.rot90(IDS, -1),
        "rotated_square": IDS,
        "mode_image": IDS,
    }
    for name, mask in names.items():
        save(PHOTO, images / f"{name}.png")
        save(mask, masks / f"{name}.png")
    for name in ("empty", "no_picture", "JPEG", "mode", "no_mask"):
        save(PHOTO, images / f"{name}.png")
    save(IDS, masks / "no_image.png")
    save(IDS, masks / "JPEG.jpg")
    save(IDS.astype(np.float32), masks / "mode.tif")
    save(IDS.astype(np.uint16) * 1000, images / "mode_image.png")
    (masks / "empty.png").touch()
    (masks / "no_picture.png").write_text("<html>404</html>")
    for path in (masks / "cut_off.png", images / "cut_off_image.png"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for name, target in (("missing", "gone.png"), ("link", "link.png")):
        (masks / f"{name}.png").unlink()
        (masks / f"{name}.png").symlink_to(target)
    (images / "loop").symlink_to("..")
    save(PHOTO, images / "same_name.jpg")
    save(IDS, masks / "twice.bmp")
    for name, turn in (("rotated", 6), ("rotated_square", 3)):
        (images / f"{name}.png").unlink()
        save(PHOTO, images / f"{name}.jpg", **rotated(turn))
    return root


FAULTS = {
    "train_images/cut_off_image.png": "cut off",
    "train_images/loop": "link",
    "train_images/mode_image.png": "mode",
    "train_images/no_mask.png": "no mask",
    "train_images/rotated.jpg": "rotated",
    "train_images/rotated_square.jpg": "rotated",
    "train_images/same_name.jpg": "same name",
    "train_images/same_name.png": "same name",
    "train_segmentation/16_bit.png": "16 bit",
    "train_segmentation/16_bit_ids.png": "16 bit",
    "train_segmentation/1_bit.png": "1 bit",
    "train_segmentation/JPEG.jpg": "JPEG",
    "train_segmentation/alpha.png": "alpha",
    "train_segmentation/colours.png": "colours",
    "train_segmentation/cut_off.png": "cut off",
    "train_segmentation/empty.png": "empty",
    "train_segmentation/ids.png": "ids",
    "train_segmentation/link.png": "link",
    "train_segmentation/missing.png": "missing",
    "train_segmentation/mode.tif": "mode",
    "train_segmentation/no_image.png": "no image",
    "train_segmentation/no_picture.png": "no picture",
    "train_segmentation/palette.png": "palette",
    "train_segmentation/size.png": "size",
    "train_segmentation/twice.bmp": "same name",
    "train_segmentation/twice.png": "same name",
}
SENTENCES = """
train_images/no_mask.png: an image without a mask of the same name
train_segmentation/no_image.png: a mask without an image of the same name
train_images/same_name.jpg: of the same name as same_name.png
train_segmentation/ids.png: class id 17 at row 0, column 50; ids are 0 to 5. In all 40 pixels
train_segmentation/colours.png: 6 colours, not class ids
train_segmentation/16_bit.png: 16 bits; OpenCV reads every id as 0
train_segmentation/16_bit_ids.png: holds 0 to 1005; a mask of 8 bits ends at 255
train_segmentation/1_bit.png: 1 bit; OpenCV and others read 0 and 255
train_segmentation/palette.png: a palette: OpenCV and TensorFlow read id 0 as (
train_segmentation/size.png: the mask is 20×30, its image 40×60 (rows × columns)
train_segmentation/cut_off.png: cut off or damaged (
train_segmentation/empty.png: an empty file, 0 bytes
train_segmentation/no_picture.png: not a picture. Was the download complete?
train_segmentation/missing.png: a link to a file that is not there
train_segmentation/link.png: a link that leads to itself
train_images/rotated.jpg: viewers turn it (EXIF orientation 6), programs do not
""".strip().splitlines()
REPAIRABLE = {"16_bit.png", "1_bit.png", "alpha.png", "palette.png", "rotated.jpg"}
WRITTEN = {"good", "good_lyft", "good_grey", "16_bit", "1_bit", "alpha", "palette", "rotated"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return one_of_each(tmp_path_factory.mktemp("each") / "data")


@pytest.fixture(scope="module")
def faults(folder):
    return data.verify(data.find(folder, CLASSES))


def test_each_fault_is_found_and_nothing_else(folder, faults):
    found = {fault.path.relative_to(folder).as_posix(): fault.kind for fault in faults}
    assert found == FAULTS and len(faults) == len(FAULTS)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_fault_is_a_sentence_with_its_place_and_remedy(faults, sentence):
    (fault,) = [fault for fault in faults if str(fault).startswith(sentence)]
    assert len(fault.remedy) > 10 and str(fault).endswith(fault.remedy)


def test_what_is_faulty_can_be_loaded_or_says_why_not(folder):
    """Without any check, too: a sentence about the file, never an error out of the depths."""
    for pair in data.find(folder, CLASSES).items:
        try:
            images, masks = data.load(data.Pairs((pair,), CLASSES))
            assert images.shape == (1, 96, 128, 3) and masks.max() < 6
        except ValueError as error:
            assert re.match(r"[\w/]+\.\w+: .{10,}", str(error)), error


def test_the_table_fits_a_terminal_and_names_every_kind(folder, faults):
    text = report(data.find(folder, CLASSES), faults)
    assert max(map(len, text.splitlines())) <= 100
    assert set(REMEDIES) - set(FAULTS.values()) == {"0 and 255", "permission", "zip"}
    for kind in set(FAULTS.values()):
        assert re.search(rf"^{kind} +\d", text, re.MULTILINE) and REMEDIES[kind][:40] in text
    assert text.endswith("3 of 26 pairs are good.")


def test_repair_writes_what_can_be_mended_and_leaves_the_rest(folder, faults, tmp_path):
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    pairs = data.find(folder, CLASSES)
    assert {fault.path.name for fault in faults if fault.repairable} == REPAIRABLE
    left_out = data.repair(pairs, faults, tmp_path / "new")
    assert left_out == [fault for fault in faults if not fault.repairable]
    repaired = data.find(tmp_path / "new", CLASSES)
    assert set(repaired.names) == WRITTEN and data.verify(repaired) == []
    for pair in repaired.items:
        wanted = {"1_bit": IDS > 2, "rotated": np.rot90(IDS, -1)}.get(pair.image.stem, IDS)
        assert np.array_equal(data.read_mask(pair.mask), wanted), pair
        with Image.open(pair.mask) as picture:
            assert picture.mode == ("RGB" if pair.image.stem == "good_lyft" else "L")
    upright = data.read_picture(tmp_path / "new/train_images/rotated.png")
    with Image.open(folder / "train_images/rotated.jpg") as photo:
        assert np.array_equal(upright, np.array(ImageOps.exif_transpose(photo)))
    assert before == {path: path.read_bytes() for path in before}, "the originals are as they were"
    with pytest.raises(FileExistsError, match="is there already"):
        data.repair(pairs, faults, tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_mask_of_a_rotated_photos_own_pixels_is_turned_with_it(tmp_path):
    save(PHOTO.transpose(Image.Transpose.ROTATE_90), tmp_path / "a/images/x.jpg", **rotated(6))
    save(np.rot90(IDS), tmp_path / "a/masks/x_mask.png")
    pairs = data.find(tmp_path / "a", CLASSES)
    (fault,) = data.verify(pairs)
    assert fault.kind == "rotated" and fault.repairable
    assert data.repair(pairs, [fault], tmp_path / "b") == []
    ((image, mask),) = data.find(tmp_path / "b", CLASSES)
    assert np.array_equal(mask, IDS) and (tmp_path / "b/masks/x.png").exists()
    assert np.abs(image.astype(int) - np.array(PHOTO)).mean() < 30, "JPEG, but upright"


def test_two_folders_of_any_name_are_repaired_into_names_that_are_found(tmp_path):
    for name in ("one.png", "deep/two.png"):
        save(PHOTO, tmp_path / "x" / name)
        save(palette_picture(IDS), tmp_path / "far/away/y" / name)
    pairs = data.pair_folders(tmp_path / "x", tmp_path / "far/away/y", CLASSES)
    data.repair(pairs, data.verify(pairs), tmp_path / "new")
    again = data.find(tmp_path / "new", CLASSES)
    assert sorted(again.names) == ["one", "two"] and data.verify(again) == []


def test_a_zip_can_be_repaired_into_a_folder(tmp_path):
    save(PHOTO, tmp_path / "in/images/a.png")
    save(palette_picture(IDS), tmp_path / "in/masks/a.png")
    shutil.make_archive(tmp_path / "own", "zip", tmp_path / "in")
    pairs = data.find(tmp_path / "own.zip", CLASSES)
    data.repair(pairs, data.verify(pairs), tmp_path / "new")
    assert data.verify(data.find(tmp_path / "new", CLASSES)) == []


# ---- one fault at a time


def test_the_first_pixel_of_many_wrong_ones_is_named(tmp_path):
    mask = IDS.copy()
    mask[12, 34:40] = np.arange(250, 256)
    mask[20] = 99
    save(PHOTO, tmp_path / "images/a.png")
    save(mask, tmp_path / "masks/a.png")
    (fault,) = data.verify(data.find(tmp_path, CLASSES))
    assert fault.message == (
        "masks/a.png: class id 250 at row 12, column 34; ids are 0 to 5. "
        "In all 65 pixels with 99, 250, 251, 252, 253, 254"
    ), "255 is 'ignore', not a fault"


def test_two_classes_saved_as_0_and_255(tmp_path):
    save(PHOTO, tmp_path / "images/a.png")
    save((IDS > 2).astype(np.uint8) * 255, tmp_path / "masks/a.png")
    (fault,) = data.verify(data.find(tmp_path, numbered(2)))
    assert "255 means 'ignore', so the second class would be lost" in str(fault)
    assert data.verify(data.find(tmp_path, numbered(3))) == [], "elsewhere it may be meant"


def test_a_jpeg_by_any_other_name(tmp_path):
    save(PHOTO, tmp_path / "images/a.png")
    save(IDS, tmp_path / "masks/a.jpg", quality=75)
    (tmp_path / "masks/a.jpg").rename(tmp_path / "masks/a.png")
    (fault,) = data.verify(data.find(tmp_path, CLASSES))
    assert fault.kind == "JPEG"
    values = int(re.search(r"holds (\d+) different values", fault.message)[1])
    assert values > 6, "JPEG has invented ids"


def test_a_grey_palette_and_8_bit_tiffs_are_fine(tmp_path):
    picture = Image.fromarray(IDS, "P")
    picture.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    save(picture, tmp_path / "masks/a.png")
    save(IDS, tmp_path / "masks/b.tif")
    for name in ("a.jpg", "b.tif"):
        save(PHOTO, tmp_path / "images" / name)
    assert data.verify(data.find(tmp_path, CLASSES)) == []


def another_user():
    """As root everything can be read; so another user looks, in a process of its own."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions here")
def test_what_may_not_be_read():
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    for name in ("a", "b"):
        save(PHOTO, root / f"images/{name}.png")
        save(IDS, root / f"masks/{name}.png")
    closed = root / "closed", root / "masks/a.png"
    closed[0].mkdir()
    for path in closed:
        path.chmod(0)
    with ProcessPoolExecutor(1, get_context("fork"), another_user) as pool:
        pairs = pool.submit(data.find, root, CLASSES).result()
        faults = pool.submit(data.verify, pairs).result()
        with pytest.raises(FileNotFoundError, match="closed: you may not read this. Make it"):
            pool.submit(data.find, closed[0]).result()
        with pytest.raises(ValueError, match="a.png: you may not read this. Make it"):
            pool.submit(data.load, pairs).result()
    assert {(fault.path, fault.kind) for fault in faults} == {(p, "permission") for p in closed}
    for path in closed:
        path.chmod(0o755)
    shutil.rmtree(root)


# ---- the command line


def command(*arguments, cwd):
    """python -m helpers.data …, as somebody calls it."""
    run = [sys.executable, "-m", "helpers.data", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(run, cwd=cwd, capture_output=True, text=True, env=env)


def test_verify_from_the_command_line(folder, tmp_path):
    sides = folder / "train_images", folder / "train_segmentation"
    for arguments in (sides, (folder,)):
        run = command("verify", *arguments, "--classes", 6, cwd=tmp_path)
        assert run.returncode == 1 and "3 of 26 pairs are good." in run.stdout, run.stderr
        assert "Traceback" not in run.stderr
    fixed = command("verify", *sides, "--classes", 6, "--fix", "new", cwd=tmp_path)
    assert fixed.returncode == 1 and "8 of 26 pairs are in new." in fixed.stdout, fixed.stderr
    assert "left out: train_segmentation/size.png: the mask is 20×30" in fixed.stdout
    clean = command("verify", "new", "--classes", 6, cwd=tmp_path)
    assert (clean.returncode, clean.stdout) == (0, "8 pairs, all good.\n"), clean.stderr
    again = command("verify", *sides, "--classes", 6, "--fix", "new", cwd=tmp_path)
    assert again.returncode == 2 and "new: is there already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "nowhere"], "nowhere: no such folder"),
        (["verify", "."], "no pairs. Expected a folder CameraRGB"),
        (["verify", "own"], "Say --classes N"),
        (["verify", "own", "--classes", "none"], "invalid int value"),
        (["verify", "own", "--classes", "300"], "300 classes; a mask of 8 bits holds 1 to 255"),
        (["verify"], "the following arguments are required: images"),
        ([], "required: verify | show | download"),
        (["show", "own", "--classes", "2", "--out", "no/a.png"], "no/a.png"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_exit_code_2(arguments, words, tmp_path):
    if "own" in arguments:
        save(PHOTO, tmp_path / "own/images/a.png")
        save((IDS > 2).astype(np.uint8), tmp_path / "own/masks/a.png")
    run = command(*arguments, cwd=tmp_path)
    assert run.returncode == 2 and words in run.stderr.replace("\n", " "), run.stderr
    assert "Traceback" not in run.stderr


def test_show_writes_a_picture_and_says_where(folder, tmp_path):
    arguments = ["show", folder, "--classes", 6, "--out", "sheet.png", "--number", 30]
    run = command(*arguments, cwd=tmp_path)
    assert run.returncode == 0 and run.stdout.endswith("sheet.png is written.\n"), run.stderr
    assert "left out: train_segmentation/ids.png: class id 17 at row 0, column 50" in run.stdout
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width == 1000 and sheet.height > 800
        colours = {colour[:3] for _, colour in sheet.getcolors(2**20)}
    legend = {tuple(colour) for colour in CLASSES.palette.tolist()}
    assert legend <= colours, "the legend shows each class in its full colour"


def test_real_pairs_from_the_command_line(shared, tmp_path):
    run = command("show", shared / "data/camvid_pairs", "--classes", len(CAMVID), cwd=tmp_path)
    assert run.returncode == 0 and run.stdout == "pairs.png is written.\n", run.stderr
    assert (tmp_path / "pairs.png").stat().st_size > 100_000
    run = command("verify", shared / "data/lyft_frames", cwd=tmp_path)
    assert (run.returncode, run.stdout) == (0, "2 pairs, all good.\n"), run.stderr
