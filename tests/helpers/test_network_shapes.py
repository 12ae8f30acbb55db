"""The shapes in the comments of every network are the real ones, in both frameworks."""

from functools import partial

import keras
import numpy as np
import pytest
import torch

from helpers.keras import deeplab as keras_deeplab
from helpers.keras import encoder as keras_encoder
from helpers.keras import fcn as keras_fcn
from helpers.keras import mobilenet as keras_mobilenet
from helpers.keras import pspnet as keras_pspnet
from helpers.keras import resnet as keras_resnet
from helpers.keras import segnet as keras_segnet
from helpers.keras import unet as keras_unet
from helpers.keras import vgg as keras_vgg
from helpers.pytorch import deeplab, encoder, fcn, mobilenet, pspnet, resnet, segnet, unet, vgg
from tests.shapes import watch

# the network, the functions that have comments, and how many statements bear one
PYTORCH = {
    "fcn": (fcn.fcn, [fcn.FCN.forward], 6),
    "encoder": (fcn.fcn, [encoder.Encoder.forward], 2),
    "resnet18": (partial(fcn.fcn, encoder="resnet18"), [resnet.ResNet.forward], 4),
    "mobilenet_v2": (
        partial(fcn.fcn, encoder="mobilenet_v2"),
        [mobilenet.MobileNetV2.forward],
        3,
    ),
    "vgg16": (partial(fcn.fcn, encoder="vgg16"), [vgg.VGG16.forward], 3),
    "segnet": (segnet.segnet, [segnet.SegNet.forward], 7),
    "unet": (unet.unet, [unet.UNet.forward], 8),
    "unet bilinear": (partial(unet.unet, up="bilinear"), [unet.UNet.forward], 8),
    "unet resnet18": (
        partial(unet.unet, encoder="resnet18"),
        [unet.UNetOfEncoder.forward],
        7,
    ),
    "pspnet": (pspnet.pspnet, [pspnet.PSPNet.forward], 8),
    "deeplabv3": (deeplab.deeplabv3, [deeplab.DeepLabV3.forward, deeplab.ASPP.forward], 12),
    "deeplabv3plus": (deeplab.deeplabv3plus, [deeplab.DeepLabV3Plus.forward], 10),
}
KERAS = {
    "fcn": (keras_fcn.fcn, [keras_fcn.fcn], 7),
    "encoder": (keras_fcn.fcn, [keras_encoder.plain], 2),
    "resnet18": (partial(keras_fcn.fcn, encoder="resnet18"), [keras_resnet.resnet], 7),
    "mobilenet_v2": (
        partial(keras_fcn.fcn, encoder="mobilenet_v2"),
        [keras_mobilenet.mobilenet_v2],
        5,
    ),
    "vgg16": (partial(keras_fcn.fcn, encoder="vgg16"), [keras_vgg.vgg16], 4),
    "segnet": (keras_segnet.segnet, [keras_segnet.segnet], 7),
    "unet": (keras_unet.unet, [keras_unet.unet], 8),
    "unet bilinear": (partial(keras_unet.unet, up="bilinear"), [keras_unet.unet], 8),
    "unet resnet18": (
        partial(keras_unet.unet, encoder="resnet18"),
        [keras_unet.unet_of_encoder],
        7,
    ),
    "pspnet": (keras_pspnet.pspnet, [keras_pspnet.pspnet], 8),
    "deeplabv3": (keras_deeplab.deeplabv3, [keras_deeplab.deeplabv3, keras_deeplab.aspp], 12),
    "deeplabv3plus": (keras_deeplab.deeplabv3plus, [keras_deeplab.deeplabv3plus], 10),
}


@pytest.mark.parametrize("name", PYTORCH)
def test_pytorch(name):
    network, functions, count = PYTORCH[name]
    model = network(13).eval()
    with torch.no_grad():
        statements = watch(functions, lambda: model(torch.zeros(1, 3, 96, 128)))
    assert len(statements) == count
    for statement in statements:
        assert statement.written == [tuple(x.shape[1:]) for x in statement.seen], statement.lines


@pytest.mark.parametrize("name", KERAS)
def test_keras(name):
    network, functions, count = KERAS[name]
    made = []
    statements = watch(functions, lambda: made.append(network(13)))
    assert len(statements) == count
    (model,) = made
    every = keras.Model(model.input, [x for s in statements for x in s.seen])
    shapes = iter([x.shape[1:] for x in every(np.zeros((1, 96, 128, 3), np.float32))])
    for statement in statements:
        seen = [tuple(next(shapes)) for _ in statement.seen]
        assert statement.written == seen, statement.lines


def wrong(x):  # 3×96×128
    x = x[:, :, ::2, ::2]  # 3×48×96
    return x


def test_a_wrong_comment_is_seen():
    head, assignment = watch([wrong], lambda: wrong(torch.zeros(1, 3, 96, 128)))
    assert head.written == [tuple(x.shape[1:]) for x in head.seen] == [(3, 96, 128)]
    assert assignment.written == [(3, 48, 96)]
    assert [tuple(x.shape) for x in assignment.seen] == [(1, 3, 48, 64)]
