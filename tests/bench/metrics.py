"""Metrics of 800×600 pixels in 13 classes, against whoever else computes them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from helpers import boundary, masks
from helpers.metrics import Confusion
from helpers.streets import scene
from helpers.threshold import Sweep
from tests.bench.measure import compare
from tests.smp import part

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("PIXELWISE_SHARED", ROOT.parent / "shared"))
CLASSES = 13


def pairs() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, truth and prediction: uint8 600×800."""
    yield "street", (mask := masks.remove_hood(scene(3, 0)[1])), guess(mask)
    for label in sorted((SHARED / "data/lyft_frames").rglob("CameraSeg/*.png"))[:1]:
        mask = masks.remove_hood(masks.decode(np.asarray(Image.open(label))))
        yield "real frame", mask, guess(mask)
    truth, prediction = np.random.default_rng(0).integers(0, CLASSES, (2, 600, 800), np.uint8)
    yield "random ids", truth, prediction


def guess(mask: np.ndarray) -> np.ndarray:
    """As a network at a quarter of the size would answer: coarse borders, some specks."""
    small = masks.resize_mask(masks.resize_mask(mask, 150, 200), 600, 800)
    specks = np.random.default_rng(0).integers(0, CLASSES, (75, 100), np.uint8)
    few = np.random.default_rng(1).random((75, 100)) < 0.02
    return np.where(few.repeat(8, 0).repeat(8, 1), specks.repeat(8, 0).repeat(8, 1), small)


def peers(truth: np.ndarray, prediction: np.ndarray) -> dict[str, Callable[[], object]]:
    """Name → what counts the same matrix. torchmetrics, scikit-learn: as their users call them."""
    import torch
    from sklearn.metrics import confusion_matrix
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    t, p = torch.from_numpy(truth.astype(np.int64)), torch.from_numpy(prediction.astype(np.int64))
    torch.set_num_threads(1)
    wide = truth.astype(np.int64), prediction.astype(np.int64)
    get_stats = part("metrics").get_stats
    return {
        "copying both arrays": lambda: (truth.copy(), prediction.copy()),
        "Pillow histogram": lambda: pillow(truth, prediction),
        "np.bincount int64": lambda: bincount(*wide),
        "np.bincount from uint8": lambda: bincount(truth.astype(np.int64), prediction),
        "torchmetrics": lambda: multiclass_confusion_matrix(p, t, CLASSES),
        "torchmetrics unvalidated": lambda: multiclass_confusion_matrix(
            p, t, CLASSES, validate_args=False
        ),
        "scikit-learn": lambda: confusion_matrix(truth.ravel(), prediction.ravel()),
        "segmentation-models-pytorch": lambda: get_stats(
            p[None], t[None], mode="multiclass", num_classes=CLASSES
        ),
    }


def bincount(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    counts = np.bincount((truth * CLASSES + prediction).ravel(), minlength=CLASSES**2)
    return counts.reshape(CLASSES, CLASSES)


def bincount_ignoring(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    counted = truth != 255
    return bincount(truth[counted], prediction[counted])


def pillow(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    pair = truth * np.uint8(CLASSES) + prediction
    counts = Image.fromarray(pair).histogram()[: CLASSES**2]
    return np.array(counts).reshape(CLASSES, CLASSES)


def rows() -> Iterator[dict]:
    for pair in pairs():
        yield from rows_of(*pair)
    yield keras_row()
    yield from other_rows()


def rows_of(name: str, truth: np.ndarray, prediction: np.ndarray) -> Iterator[dict]:
    def ours() -> np.ndarray:
        return Confusion(CLASSES).add(truth, prediction).matrix

    assert np.array_equal(ours(), bincount(truth.astype(np.int64), prediction))
    for peer, count in peers(truth, prediction).items():
        yield compare(f"confusion matrix, {name}: {peer}", ours, count, peer)
    ignored = truth.copy()
    ignored[550:] = 255
    wide = ignored.astype(np.int64), prediction.astype(np.int64)
    yield compare(
        f"confusion matrix, {name}, with ignore",
        lambda: Confusion(CLASSES).add(ignored, prediction),
        lambda: bincount_ignoring(*wide),
        "np.bincount int64, boolean mask",
    )


def other_rows() -> Iterator[dict]:
    """The borders and the thresholds of one street, against doing it class by class."""
    from scipy.ndimage import binary_erosion, distance_transform_edt

    _, truth, prediction = next(pairs())

    def erosions() -> None:
        for mask in (truth, prediction):
            for k in range(CLASSES):
                binary_erosion(mask == k, np.ones((3, 3)), iterations=20)

    def distances() -> None:
        for mask in (truth, prediction):
            for k in range(CLASSES):
                distance_transform_edt(~((mask == k) & boundary.contour(mask, 255)))

    yield compare(
        "boundary IoU", lambda: boundary.boundary_iou(truth, prediction), erosions, "scipy erosion"
    )
    yield compare(
        "boundary F1",
        lambda: boundary.boundary_f1(truth, prediction),
        distances,
        "scipy distance transform",
    )
    road = truth == 7
    probabilities = np.random.default_rng(0).random(road.shape, np.float32)

    def one_by_one() -> None:
        for threshold in Sweep().thresholds.tolist():
            answer = probabilities >= threshold
            np.count_nonzero(answer & road), np.count_nonzero(answer)

    yield compare(
        "101 thresholds",
        lambda: Sweep().add(road, probabilities),
        one_by_one,
        "one after the other",
    )


def keras_row() -> dict:
    """Against Keras' MeanIoU, in a process of its own: no process imports both frameworks."""
    code = "import json; from tests.bench.metrics import keras; print(json.dumps(keras()))"
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    quiet = {**os.environ, **one, "TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=quiet, capture_output=True, text=True
    )
    if run.returncode:
        raise RuntimeError(run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def keras() -> dict:
    """The row of Keras."""
    from keras.metrics import MeanIoU

    name, truth, prediction = next(pairs())
    theirs = MeanIoU(CLASSES)
    return compare(
        f"confusion matrix, {name}: Keras MeanIoU",
        lambda: Confusion(CLASSES).add(truth, prediction),
        lambda: theirs.update_state(truth, prediction),
        "Keras MeanIoU",
    )
