"""The steps of the Lyft challenge's winners, one on top of the other: the score on new drives.

A U-Net of width 8 learns 360 scenes in PyTorch, for the same number of steps and of pixels each
time: from the whole frame at 64×96 or from its rows 200 to 519 of 600 at 48×128, by cross-entropy
or by cross-entropy + Dice, with the raw labels or without the hood. Its probabilities are enlarged
to 300×400 and turned into road and vehicles: by argmax, by two thresholds, and with a dilated
vehicle mask. Thresholds and dilation are chosen on validation drives; everything is judged on test
drives, on cleaned labels. The seed gives the network's start and the order of the batches. Lesson
11 reads the figures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter

from helpers import masks
from helpers.classes import CHALLENGE, LYFT
from helpers.metrics import Confusion, challenge_score
from helpers.pytorch import losses
from helpers.pytorch.predict import predict
from helpers.pytorch.train import train
from helpers.pytorch.unet import unet
from helpers.streets import scene
from helpers.threshold import Sweep

STEPS = 500
HEIGHT, WIDTH = 300, 400
ROAD, VEHICLE = CHALLENGE.id("Road"), CHALLENGE.id("Vehicle")
RADII = range(5)
DRIVES = {"training": range(120), "validation": range(1000, 1020), "test": range(1100, 1140)}
FRAMES = {"training": (0, 30, 60), "validation": (0, 40), "test": (0, 40)}


@dataclass(frozen=True)
class View:
    """The rows of the frame that a network sees, and the size at which it sees them."""

    rows: slice
    height: int
    width: int

    def images(self, frames: np.ndarray) -> np.ndarray:
        small = [masks.resize_image(f, self.height, self.width) for f in frames[:, self.rows]]
        return np.stack(small)

    def masks(self, labels: np.ndarray) -> np.ndarray:
        small = [masks.resize_mask(m, self.height, self.width) for m in labels[:, self.rows]]
        return np.stack(small)

    def enlarge(self, maps: np.ndarray) -> np.ndarray:
        """One map h×w at its place in the frame, float32; 0 where the network does not look."""
        full = np.zeros((HEIGHT, WIDTH), np.float32)
        size = WIDTH, len(full[self.rows])
        picture = Image.fromarray(np.ascontiguousarray(maps)).resize(size, Image.BILINEAR)
        full[self.rows] = np.asarray(picture)
        return full


WHOLE = View(slice(0, 300), 64, 96)
CROP = View(slice(100, 260), 48, 128)

# name → (clean labels, view, loss); the first four are the rungs, the last two lack one step
NETWORKS = {
    "baseline": (False, WHOLE, losses.cross_entropy),
    "+ clean labels": (True, WHOLE, losses.cross_entropy),
    "+ crop": (True, CROP, losses.cross_entropy),
    "+ Dice": (True, CROP, losses.cross_entropy_dice),
    "without clean labels": (False, CROP, losses.cross_entropy_dice),
    "without crop": (True, WHOLE, losses.cross_entropy_dice),
}


def frames(part: str, drives: range | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 N×300×400×3 and raw masks uint8 N×300×400 of one part of the drives."""
    pairs = [scene(d, f, 0, HEIGHT, WIDTH) for d in drives or DRIVES[part] for f in FRAMES[part]]
    return tuple(np.stack(arrays) for arrays in zip(*pairs, strict=True))


def cleaned(raw: np.ndarray) -> np.ndarray:
    return np.stack([masks.remove_hood(mask) for mask in raw])


def dilate(region: np.ndarray, radius: int) -> np.ndarray:
    """The region H×W grown by `radius` pixels to each side, also along the diagonals."""
    if radius == 0:
        return region
    picture = Image.fromarray(region.astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.MaxFilter(2 * radius + 1))) == 1


def decide(vehicle: np.ndarray, road: np.ndarray, radius: int = 0) -> np.ndarray:
    """The challenge's classes of two bool maps N×H×W; a dilated vehicle covers the road."""
    found = np.where(road, ROAD, 0).astype(np.uint8)
    for mask, region in zip(found, vehicle, strict=True):
        mask[dilate(region, radius)] = VEHICLE
    return found


@dataclass
class Answers:
    """What is said of the frames of one part, at the size of the frames.

    Attributes:
        truth: the challenge's classes, N×H×W.
        vehicle, road: probabilities, float32 N×H×W.
        classes: the most probable of the 13 classes, N×H×W; None of answers without a network.
    """

    truth: np.ndarray
    vehicle: np.ndarray
    road: np.ndarray
    classes: np.ndarray | None = None

    def by_argmax(self, radius: int = 0) -> np.ndarray:
        found = masks.challenge_classes(self.classes)
        return decide(found == VEHICLE, found == ROAD, radius)

    def by_thresholds(self, cuts: tuple[float, float], radius: int = 0) -> np.ndarray:
        return decide(self.vehicle >= cuts[0], self.road >= cuts[1], radius)

    def best_cuts(self) -> tuple[float, float]:
        """The threshold of vehicles with the best F_2, then that of the road for F_0.5."""
        sweep = Sweep().add(self.truth == VEHICLE, self.vehicle)
        vehicle, _ = sweep.best(sweep.f_beta(2))
        left = np.where(self.vehicle >= vehicle, 0, self.road.clip(0, 1))
        sweep = Sweep().add(self.truth == ROAD, left)
        return vehicle, sweep.best(sweep.f_beta(0.5))[0]

    def score(self, found: np.ndarray) -> dict[str, float]:
        confusion = Confusion(len(CHALLENGE)).add(self.truth, found)
        return {
            "score": challenge_score(confusion),
            "F_car": confusion.f_beta(2)[VEHICLE],
            "F_road": confusion.f_beta(0.5)[ROAD],
            "car precision": confusion.precision(0)[VEHICLE],
            "car recall": confusion.recall(0)[VEHICLE],
            "mean IoU of 3": confusion.mean_iou(),
        }


def answers_of(network, view: View, images: np.ndarray, labels: np.ndarray) -> Answers:
    """The answers of a network; None (class 0) where it does not look."""
    vehicle, road = np.zeros((2, *labels.shape), np.float32)
    classes = np.zeros_like(labels)
    lines, roads, vehicles = map(LYFT.id, ("RoadLines", "Roads", "Vehicles"))
    for i, p in enumerate(predict(network, view.images(images))):
        maps = np.stack([view.enlarge(p[..., k]) for k in range(len(LYFT))])
        vehicle[i], road[i] = maps[vehicles], maps[lines] + maps[roads]
        classes[i] = maps.argmax(0)
    return Answers(masks.challenge_classes(labels), vehicle, road, classes)


def best_radius(answers: Answers, make: Callable[[int], np.ndarray]) -> int:
    """The radius of dilation with the best score; `make(radius)` gives the masks."""
    return max(RADII, key=lambda radius: answers.score(make(radius))["score"])


def without_model(learnt: np.ndarray, seen: np.ndarray, judged: np.ndarray) -> dict[str, float]:
    """The scores of answers that never look: how often each place was vehicle or road.

    Args:
        learnt, seen, judged: labels of training, of validation (for the thresholds), of the test.
    """
    merged = masks.challenge_classes(learnt)
    priors = [(merged == k).mean(0, dtype=np.float32) for k in (VEHICLE, ROAD)]
    validation, test = (
        Answers(masks.challenge_classes(t), *(np.broadcast_to(p, t.shape) for p in priors))
        for t in (seen, judged)
    )
    return test.score(test.by_thresholds(validation.best_cuts()))


def decisions(seen: Answers, judged: Answers) -> Iterator[tuple[str, dict]]:
    """Each way to decide, set up on validation drives → the scores on test drives."""
    cuts = seen.best_cuts()
    radius = best_radius(seen, seen.by_argmax)
    after = best_radius(seen, lambda r: seen.by_thresholds(cuts, r))
    yield "argmax", judged.score(judged.by_argmax())
    yield "dilation", judged.score(judged.by_argmax(radius)) | {"radius": radius}
    named = {"cut of vehicles": cuts[0], "cut of road": cuts[1]}
    yield "thresholds", judged.score(judged.by_thresholds(cuts)) | named
    best = judged.score(judged.by_thresholds(judged.best_cuts()))["score"]
    yield "thresholds chosen on the test drives", {"score": best}
    both = judged.score(judged.by_thresholds(cuts, after))
    yield "thresholds + dilation", both | {"radius": after}


def measure(seed: int, steps: int = STEPS) -> dict:
    torch.set_num_threads(1)
    images, raw = frames("training")
    labels = {True: cleaned(raw), False: raw}
    seen_images, seen_raw = frames("validation")
    new_images, new_raw = frames("test")
    truth = cleaned(new_raw)
    rows = {
        "no model, raw labels": without_model(raw, seen_raw, new_raw),
        "no model, cleaned labels": without_model(labels[True], cleaned(seen_raw), truth),
    }
    for name, (clean, view, loss) in NETWORKS.items():
        torch.manual_seed(seed)
        network = unet(len(LYFT), width=8)
        learnt = view.images(images), view.masks(labels[clean])
        train(network, *learnt, steps, 8, 0.01, loss, seed, progress=False)
        seen = answers_of(network, view, seen_images, cleaned(seen_raw))
        judged = answers_of(network, view, new_images, truth)
        rows[name] = {"mean IoU of 13": Confusion().add(truth, judged.classes).mean_iou()}
        rows |= {f"{name}, {how}": scores for how, scores in decisions(seen, judged)}
        if not clean:
            tidied = masks.challenge_classes(cleaned(judged.classes))
            rows[f"{name}, its answer cleaned"] = judged.score(tidied)
            judged.truth = masks.challenge_classes(new_raw)
            rows[f"{name}, judged on raw labels"] = judged.score(judged.by_argmax())
    values = {f"{row}: {k}": v for row, scores in rows.items() for k, v in scores.items()}
    return {"training steps": steps} | {row: round(float(v), 4) for row, v in values.items()}
