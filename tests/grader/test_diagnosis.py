"""What is wrong with a training is told where the model shows it, and nowhere else."""

import numpy as np
import onnx
import onnxruntime
import pytest

from grader.diagnosis import training_mistake
from grader.public import DRIVES
from helpers import streets
from tests.mutants import models

TOLD = {
    "road everywhere": "the same mask for every image",
    "blue, green, red": "blue, green, red",
    "0 to 255": "0 to 255",
    "mirrored images, masks as they were": "mirrored",
    "upside down": "upside down",
    "ids begin with 1": "one too high",
    "the hood is a vehicle": "hood",
    "never a vehicle": "never says Vehicles",
}


@pytest.fixture(scope="module")
def scenes():
    return streets.scenes(DRIVES, [0])


def said_of(model, images, truth):
    session = onnxruntime.InferenceSession(model.SerializeToString())

    def predict(images):
        batch = np.ascontiguousarray((images.astype(np.float32) / 255).transpose(0, 3, 1, 2))
        return session.run(None, {"image": batch})[0].argmax(1).astype(np.uint8)

    return training_mistake(predict, images, truth, predict(images))


@pytest.mark.parametrize("name", TOLD)
def test_the_mistake_is_told(name, scenes):
    (wrong,) = (model for model in models.MODELS if model.name == name)
    assert TOLD[name] in said_of(wrong.make(), *scenes)


@pytest.mark.parametrize("path", [models.GOOD, models.WITHOUT_SKIPS])
def test_of_a_model_without_such_a_mistake_nothing_is_said(path, scenes):
    assert said_of(onnx.load(path), *scenes) == ""
