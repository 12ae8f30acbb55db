import keras
import numpy as np
import pytest

from helpers.keras import losses, unet
from helpers.keras.predict import predict, predict_masks


@pytest.mark.parametrize("up, parameters", [("transposed", 1_942_781), ("bilinear", 1_812_221)])
def test_the_course_network_has_as_many_parameters_as_in_pytorch(up, parameters):
    model = unet.unet(13, up=up)
    assert sum(v.numpy().size for v in model.trainable_variables) == parameters


def test_a_size_that_cannot_be_halved_is_named_with_one_that_fits():
    with pytest.raises(ValueError, match="100×130.*divisible by 16.*112×144"):
        unet.unet(13, 4)(np.zeros((1, 100, 130, 3), "float32"))
    assert unet.unet(13, 4, depth=1)(np.zeros((1, 100, 130, 3), "float32")).shape[1:3] == (100, 130)


def test_an_unknown_up_sampling_is_named():
    with pytest.raises(ValueError, match="'cubic'.*transposed.*bilinear.*nearest"):
        unet.unet(13, up="cubic")


def test_a_saved_model_loads_with_its_own_layers(tmp_path):
    model = unet.unet(3, 4, 2, up="bilinear")
    model.save(tmp_path / "unet.keras")
    again = keras.saving.load_model(tmp_path / "unet.keras")
    x = np.random.default_rng(0).random((1, 16, 24, 3), np.float32)
    np.testing.assert_array_equal(again(x), model(x))


def test_dropout_acts_in_training_alone():
    model = unet.unet(3, 4, 2, norm=False, dropout=0.5)
    x = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
    assert not np.array_equal(model(x, training=True), model(x, training=True))
    assert np.array_equal(model(x), model(x))


def test_losses_are_those_of_the_formulas():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 4, (2, 6, 5)).astype(np.uint8)  # class 4 is absent
    masks[0, :2] = 255
    logits = rng.normal(size=(2, 6, 5, 5)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    counted = masks != 255
    cross_entropy = -np.log(p[counted][np.arange(counted.sum()), masks[counted]]).mean()
    dice = [
        2 * p[masks == c][:, c].sum() / (p[counted][:, c].sum() + (masks == c).sum())
        for c in range(4)
    ]
    assert float(losses.cross_entropy(logits, masks)) == pytest.approx(cross_entropy, rel=1e-5)
    assert float(losses.soft_dice(logits, masks)) == pytest.approx(1 - np.mean(dice), rel=1e-5)
    both = cross_entropy + 1 - np.mean(dice)
    assert float(losses.cross_entropy_dice(logits, masks)) == pytest.approx(both, rel=1e-5)
    assert float(losses.cross_entropy_dice(logits, np.full_like(masks, 255))) == 0


def test_prediction_is_in_numpy_by_any_batch_size():
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 32, 3), np.uint8)
    model = unet.unet(4, 4, 2)
    p = predict(model, images, batch=2)
    assert p.shape == (5, 16, 32, 4) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(predict(model, images, batch=5), p, atol=1e-5)
    masks = predict_masks(model, images, batch=2)
    assert masks.dtype == np.uint8
    np.testing.assert_array_equal(masks, p.argmax(-1))
