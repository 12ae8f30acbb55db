"""The light DeepLabv3 against torchvision's, and its twins against each other."""

import keras
import numpy as np
import pytest
import torch

from helpers.classes import VOC
from helpers.keras import deeplab_mobilenet as keras_deeplab
from helpers.keras import twin as keras_twin
from helpers.pytorch import deeplab_mobilenet
from helpers.pytorch import twin as torch_twin
from tests.helpers.random_weights import draw
from tests.shapes import watch
from tests.torchvision_models import models

ODD = np.random.default_rng(0).random((1, 61, 99, 3), np.float32)


@pytest.fixture(scope="module")
def ours():
    """With weights and statistics drawn by name."""
    model = deeplab_mobilenet.deeplab_mobilenet().eval()
    drawn = draw({name: tuple(array.shape) for name, array in model.state_dict().items()})
    model.load_state_dict({name: torch.from_numpy(array) for name, array in drawn.items()})
    return model


def logits(model, image):
    with torch.no_grad():
        return model(torch.from_numpy(image).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()


def test_logits_that_torchvision_gave(ours):
    """Numbers of torchvision 0.28 for these weights, so that its test also runs without it."""
    image = np.random.default_rng(0).random((1, 48, 80, 3), np.float32)
    made = logits(ours, image)[0]
    assert made.shape == (48, 80, 21)
    assert made.std(axis=(0, 1)).mean() == pytest.approx(0.0304, abs=1e-4)  # pixels do differ
    few = made[[5, 40], [7, 60]][:, [0, 7, 14, 20]]
    theirs = [[-0.0488, 0.2328, 0.1316, 0.0062], [-0.0481, 0.2327, 0.1608, 0.0639]]
    np.testing.assert_allclose(few, theirs, atol=1e-4)


def test_it_is_the_network_of_torchvision(ours):
    """Names, shapes, logits, and what cannot be seen in them: batch norms and dropout."""
    build = models().segmentation.deeplabv3_mobilenet_v3_large
    theirs = build(weights=None, weights_backbone=None, num_classes=21).eval()
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    theirs.load_state_dict(state)
    image = torch.from_numpy(ODD).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = theirs(ours.standardize(image))["out"]
        torch.testing.assert_close(ours(image), expected, atol=1e-4, rtol=0)

    def settings(model):
        norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        dropouts = [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)]
        return [(norm.eps, norm.momentum) for norm in norms], dropouts

    assert settings(ours) == settings(theirs)


def test_the_published_count_of_parameters(ours):
    # 11,029,328 with the second classifier, which torchvision has for training alone:
    # a 3×3 convolution of 40 to 10 maps, its batch norm, and one of 1×1 to 21 classes
    second = 9 * 40 * 10 + 2 * 10 + 10 * 21 + 21
    assert sum(p.numel() for p in ours.parameters()) == 11_029_328 - second


def test_the_twins_are_one_network(ours):
    theirs = keras_deeplab.deeplab_mobilenet()
    keras_twin.set_weights(theirs, torch_twin.get_weights(ours))
    made = theirs(ODD, training=False).numpy()
    np.testing.assert_allclose(made, logits(ours, ODD), atol=1e-4)
    assert sum(v.numpy().size for v in theirs.trainable_variables) == sum(
        p.numel() for p in ours.parameters()
    )
    again = deeplab_mobilenet.deeplab_mobilenet()
    torch_twin.set_weights(again, keras_twin.get_weights(theirs))
    for name, array in ours.state_dict().items():
        assert name.endswith("tracked") or torch.equal(array, again.state_dict()[name]), name


def test_batch_norms_of_the_twins_move_alike():
    ours, theirs = deeplab_mobilenet.small(3, 4, size=3), keras.Input((None, None, 3))
    theirs = keras.Model(theirs, keras_deeplab.small(theirs, 4, "small", size=3))
    before = {f"small_{k}": v for k, v in torch_twin.get_weights(ours).items()}
    keras_twin.set_weights(theirs, {name.replace("__", "_"): v for name, v in before.items()})
    with torch.no_grad():
        ours.train()(torch.from_numpy(ODD).permute(0, 3, 1, 2))
    theirs(ODD, training=True)
    means = theirs.get_layer("small_1").moving_mean.numpy()
    assert np.abs(means).min() > 0
    np.testing.assert_allclose(means, ours[1].running_mean, rtol=1e-4, atol=1e-6)


def test_an_image_of_the_mean_colour_is_nothing_to_it(ours):
    seen = []
    hook = ours.backbone.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    ours(ours.standardize.mean.expand(1, 3, 32, 32))
    hook.remove()
    assert seen[0].abs().max() == 0


def test_the_shapes_in_the_comments_of_pytorch(ours):
    functions = [
        deeplab_mobilenet.DeepLabMobileNet.forward,
        deeplab_mobilenet.ASPP.forward,
    ]
    statements = watch(functions, lambda: logits(ours, np.zeros((1, 96, 128, 3), np.float32)), 21)
    assert len(statements) == 9
    for statement in statements:
        assert statement.written == [tuple(x.shape[1:]) for x in statement.seen], statement.lines


def test_the_shapes_in_the_comments_of_keras():
    made = []
    functions = [keras_deeplab.deeplab_mobilenet, keras_deeplab.aspp]
    statements = watch(functions, lambda: made.append(keras_deeplab.deeplab_mobilenet()), 21)
    assert len(statements) == 14
    every = keras.Model(made[0].input, [x for s in statements for x in s.seen])
    shapes = iter([x.shape[1:] for x in every(np.zeros((1, 96, 128, 3), np.float32))])
    for statement in statements:
        seen = [tuple(next(shapes)) for _ in statement.seen]
        assert statement.written == seen, statement.lines


def test_a_saved_keras_model_loads(tmp_path):
    model = keras_deeplab.deeplab_mobilenet(3)
    model.save(tmp_path / "deeplab.keras")
    again = keras.saving.load_model(tmp_path / "deeplab.keras")
    np.testing.assert_array_equal(again(ODD), model(ODD))


def test_the_classes_are_those_of_torchvision():
    theirs = models().segmentation.DeepLabV3_MobileNet_V3_Large_Weights.DEFAULT.meta["categories"]
    other = {"__background__": "background", "diningtable": "dining table"}
    other |= {"pottedplant": "potted plant", "tvmonitor": "monitor"}
    assert VOC.names == tuple(other.get(name, name) for name in theirs)


def test_the_colours_are_those_of_the_masks_of_voc():
    """Its masks count through the bits of the id: red, green, blue, from the highest bit down."""
    for k, colour in enumerate(VOC.palette):
        bits = [k >> i & 1 for i in range(6)]
        expected = [128 * bits[c] + 64 * bits[c + 3] for c in range(3)]
        assert colour.tolist() == expected, VOC.names[k]
