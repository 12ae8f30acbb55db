"""The losses beside those of well-kept libraries, under the settings that mean the same.

Where a library means something else by default, a test shows how far apart the two are.
"""

import keras
import numpy as np
import pytest
import torch
from monai import losses as monai
from torch.nn import functional as F

from helpers.keras import losses as keras_losses
from helpers.pytorch import losses
from tests.smp import part

EXACT = dict(softmax=True, to_onehot_y=True, batch=True, smooth_nr=0, smooth_dr=0)


@pytest.fixture(scope="module")
def smp():
    """segmentation-models-pytorch's losses."""
    return part("losses")


@pytest.fixture(params=range(5))
def case(request):
    """Logits float64 N×C×H×W and masks int64 with every class and no ignored pixel."""
    rng = np.random.default_rng(request.param)
    masks = rng.integers(0, 5, (2, 7, 9))
    return torch.tensor(3 * rng.normal(size=(2, 5, 7, 9)), requires_grad=True), torch.tensor(masks)


@pytest.fixture
def gaps(case):
    """The same with ignored pixels, and without class 4."""
    logits, masks = case
    masks = torch.where(masks == 4, 1, masks)
    masks[:, :2, 3:] = 255
    return logits, masks


def same(ours, theirs, logits, tolerance=1e-10):
    """Equal values and equal gradients."""
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=tolerance)
    slopes = [torch.autograd.grad(loss, logits)[0].numpy() for loss in (ours, theirs)]
    np.testing.assert_allclose(*slopes, atol=tolerance)


# ---- torch


@pytest.mark.parametrize("weights", [None, [0.1, 2, 1, 0, 5]])
def test_cross_entropy_is_that_of_torch(gaps, weights):
    logits, masks = gaps
    theirs = F.cross_entropy(logits, masks, weights and torch.tensor(weights).double(), None, 255)
    same(losses.cross_entropy(logits, masks, weights), theirs, logits)


def test_torch_gives_nan_where_all_pixels_are_ignored(case):
    logits, masks = case
    nothing = torch.full_like(masks, 255)
    assert F.cross_entropy(logits, nothing, ignore_index=255).isnan()
    assert losses.cross_entropy(logits, nothing) == 0


# ---- MONAI


def test_soft_dice_is_that_of_monai(case):
    logits, masks = case
    same(losses.soft_dice(logits, masks), monai.DiceLoss(**EXACT)(logits, masks[:, None]), logits)


def test_monai_takes_dice_per_image_by_default(case):
    logits, masks = case
    loss = monai.DiceLoss(softmax=True, to_onehot_y=True)
    assert abs(loss(logits, masks[:, None]) - losses.soft_dice(logits, masks)) > 1e-4


def test_cross_entropy_dice_is_that_of_monai(case):
    logits, masks = case
    theirs = monai.DiceCELoss(**EXACT)(logits, masks[:, None])
    same(losses.cross_entropy_dice(logits, masks), theirs, logits)


def test_generalised_dice_is_that_of_monai(case):
    logits, masks = case
    theirs = monai.GeneralizedDiceLoss(**EXACT)(logits, masks[:, None])
    same(losses.generalised_dice(logits, masks), theirs, logits, 1e-6)  # float32 weights


@pytest.mark.parametrize("alpha, beta", [(0.3, 0.7), (0.5, 0.5), (0.9, 0.2)])
def test_tversky_is_that_of_monai(case, alpha, beta):
    logits, masks = case
    theirs = monai.TverskyLoss(**EXACT, alpha=alpha, beta=beta)(logits, masks[:, None])
    same(losses.tversky(logits, masks, alpha, beta), theirs, logits)


def test_jaccard_is_that_of_monai(case):
    logits, masks = case
    theirs = monai.DiceLoss(**EXACT, jaccard=True)(logits, masks[:, None])
    same(losses.jaccard(logits, masks), theirs, logits)


@pytest.mark.parametrize("gamma", [0, 1, 2, 3.5])
def test_focal_is_that_of_monai_times_the_classes(case, gamma):
    """MONAI also takes the mean over the classes, though only the true one adds something."""
    logits, masks = case
    loss = monai.FocalLoss(gamma=gamma, use_softmax=True, to_onehot_y=True)
    theirs = 5 * loss(logits, masks[:, None])
    same(losses.focal(logits, masks, gamma), theirs, logits, 1e-6)  # MONAI computes in float32


# ---- segmentation-models-pytorch


def test_overlap_losses_are_those_of_smp_over_the_classes_present(gaps, smp):
    logits, masks = gaps
    settings = dict(mode="multiclass", ignore_index=255, classes=[0, 1, 2, 3])
    dice = smp.DiceLoss(**settings)(logits, masks)
    same(losses.soft_dice(logits, masks), dice, logits)
    same(losses.jaccard(logits, masks), smp.JaccardLoss(**settings)(logits, masks), logits)
    tversky = smp.TverskyLoss(**settings, alpha=0.3, beta=0.7)(logits, masks)
    same(losses.tversky(logits, masks), tversky, logits)


def test_smp_divides_by_the_absent_classes_too_by_default(gaps, smp):
    logits, masks = gaps
    theirs = smp.DiceLoss("multiclass", ignore_index=255)(logits, masks)
    assert theirs.item() == pytest.approx(4 / 5 * losses.soft_dice(logits, masks).item())


def test_lovasz_is_that_of_smp(gaps, smp):
    logits, masks = gaps
    logits = logits.detach().float().requires_grad_()  # float32 is all it takes
    theirs = smp.LovaszLoss("multiclass", ignore_index=255)(logits, masks)
    same(losses.lovasz_softmax(logits, masks), theirs, logits, 1e-6)


def test_focal_of_smp_is_one_against_the_rest(case, smp):
    """So it is ours where the scores of two classes are opposite, and a sigmoid says the same."""
    logits, masks = case
    z = torch.stack([logits[:, 0], -logits[:, 0]], dim=1) / 2
    masks = masks % 2
    theirs = smp.FocalLoss("multiclass", gamma=2)
    assert theirs(2 * z, masks).item() == pytest.approx(losses.focal(z, masks).item(), rel=1e-6)
    other = losses.focal(logits, case[1]).item()
    assert theirs(logits, case[1]).item() != pytest.approx(other, rel=0.05)


# ---- Keras


@pytest.fixture
def channels_last(case):
    logits, masks = case
    logits = logits.detach().permute(0, 2, 3, 1).numpy().astype(np.float32)
    return logits, masks.numpy(), np.eye(5, dtype=np.float32)[masks.numpy()]


def test_cross_entropy_is_that_of_keras(channels_last):
    logits, masks, _ = channels_last
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    masks[0, :3] = 255
    theirs = float(loss(masks, logits))
    assert float(keras_losses.cross_entropy(logits, masks)) == pytest.approx(theirs, rel=1e-6)


def test_soft_dice_is_that_of_keras(channels_last):
    logits, masks, one_hot = channels_last
    p = keras.ops.softmax(logits)
    theirs = keras.losses.Dice(axis=(0, 1, 2))(one_hot, p)
    assert float(keras_losses.soft_dice(logits, masks)) == pytest.approx(float(theirs), rel=1e-6)


def test_tversky_is_that_of_keras_with_alpha_and_beta_exchanged(channels_last):
    logits, masks, one_hot = channels_last
    p = keras.ops.softmax(logits)
    theirs = keras.losses.Tversky(alpha=0.7, beta=0.3, axis=(0, 1, 2))(one_hot, p)
    ours = keras_losses.tversky(logits, masks, alpha=0.3, beta=0.7)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


def test_focal_is_that_of_keras(channels_last):
    logits, masks, one_hot = channels_last
    logits = logits / 3  # Keras cuts probabilities off at 1e-7
    loss = keras.losses.CategoricalFocalCrossentropy(alpha=1, gamma=2, from_logits=True)
    theirs = float(loss(one_hot, logits))
    assert float(keras_losses.focal(logits, masks)) == pytest.approx(theirs, rel=1e-5)
