"""The promise of the course, with fewer steps than three minutes on one core hold."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
from helpers.classes import GRADED, LYFT
from helpers.metrics import Confusion
from helpers.streets import scenes
if sys.argv[1] == "pytorch":
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(0)
    from helpers.pytorch import predict, train, unet
else:
    from helpers.keras import predict, train, unet
    import keras
    keras.utils.set_random_seed(0)
images, masks = scenes(range(120), range(0, 40, 4))
unseen, truth = scenes(range(1000, 1040), [0, 40])
model = unet.unet(len(LYFT))
train.train(model, images, masks, steps=640, progress=False)
confusion = Confusion().add(truth, predict.predict_masks(model, unseen))
graded = confusion.mean_iou(LYFT.id(name) for name in GRADED)
print(json.dumps({"graded": graded, "all": confusion.mean_iou()}))
"""


@pytest.fixture(scope="module")
def results(repo):
    """What each framework's U-Net reaches on unseen drives; both train at the same time."""
    runs = {
        framework: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, framework], cwd=repo, stdout=subprocess.PIPE, text=True
        )
        for framework in ("pytorch", "keras")
    }
    return {framework: json.loads(run.communicate()[0]) for framework, run in runs.items()}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_the_unet_learns_the_streets(results, framework):
    assert results[framework]["graded"] >= 0.70, results
    assert results[framework]["all"] >= 0.40, results
