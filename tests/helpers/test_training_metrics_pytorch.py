"""Metrics on tensors, inside training: the values of helpers.metrics."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_confusion_matrix

from helpers import boundary, metrics
from helpers.pytorch.metrics import boundary_f1, confusion, confusion_matrix, mean_iou


def batch(seed, classes, shape, hidden):
    """Logits N×C×H×W and masks N×H×W, a share of them ignored."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(shape[0], classes, *shape[1:])).astype(np.float32)
    masks = rng.integers(0, classes, shape)
    masks[rng.random(shape) < hidden] = 255
    return torch.from_numpy(logits), torch.from_numpy(masks)


SHAPES = st.sampled_from([(1, 1, 1), (2, 5, 7), (0, 4, 4), (3, 1, 9)])


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 14), SHAPES, st.sampled_from([0, 0.3, 1]))
def test_equals_helpers_metrics_and_torchmetrics(seed, classes, shape, hidden):
    logits, masks = batch(seed, classes, shape, hidden)
    ours = metrics.Confusion(classes).add(masks.numpy(), logits.argmax(1).numpy())
    matrix = confusion_matrix(logits, masks)
    assert matrix.dtype == torch.int64 and np.array_equal(matrix, ours.matrix)
    for kind in (torch.uint8, torch.int32):
        assert torch.equal(confusion_matrix(logits, masks.to(kind)), matrix)
    np.testing.assert_array_equal(confusion(logits, masks).dice(), ours.dice())
    np.testing.assert_equal(mean_iou(logits, masks), ours.mean_iou())
    if masks.numel() and classes > 1:
        theirs = multiclass_confusion_matrix(logits, masks, classes, ignore_index=255)
        assert torch.equal(theirs, matrix)


def test_in_a_training_loop_batches_add_up():
    torch.manual_seed(0)
    model = torch.nn.Conv2d(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    counts, truths, answers = 0, [], []
    for seed in range(3):
        images = torch.rand(2, 3, 6, 5)
        _, masks = batch(seed, 4, (2, 6, 5), 0.2)
        logits = model(images)
        counts = counts + confusion_matrix(logits, masks)
        torch.nn.functional.cross_entropy(logits, masks, ignore_index=255).backward()
        optimizer.step()
        truths.append(masks.numpy())
        answers.append(logits.detach().argmax(1).numpy())
    all_at_once = metrics.mean_iou(np.concatenate(truths), np.concatenate(answers), 4)
    assert metrics.Confusion(4, matrix=counts).mean_iou() == all_at_once


def test_non_contiguous_and_channels_last():
    logits, masks = batch(0, 5, (2, 6, 8), 0.1)
    expected = confusion_matrix(logits, masks)
    for way in (torch.channels_last, torch.contiguous_format):
        assert torch.equal(confusion_matrix(logits.to(memory_format=way), masks), expected)
    turned = confusion_matrix(logits.transpose(2, 3), masks.transpose(1, 2))
    assert torch.equal(turned, expected)


def test_boundary_f1():
    logits, masks = batch(0, 3, (2, 20, 30), 0.1)
    expected = boundary.boundary_f1(masks.numpy(), logits.argmax(1).numpy(), 3)
    np.testing.assert_array_equal(boundary_f1(logits.requires_grad_(), masks).f1(), expected)


def test_bad_input_is_named():
    logits, masks = batch(0, 3, (2, 4, 5), 0)
    with pytest.raises(ValueError, match=r"logits \(2, 3, 4, 5\) need masks.*\(2, 4, 4\)"):
        confusion_matrix(logits, masks[..., :4])
    masks[1, 2, 3] = 7
    with pytest.raises(ValueError, match=r"class id 7 at \(1, 2, 3\); ids are 0 to 2"):
        confusion_matrix(logits, masks)
    logits[0, 2, 1, 1] = torch.nan
    with pytest.raises(ValueError, match=r"nan at \(0, 2, 1, 1\).*diverged"):
        confusion_matrix(logits, masks)
