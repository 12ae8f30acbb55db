"""Every network of the course by its name: NETWORKS["fcn8"](classes=13, width=16)."""

from functools import partial

from helpers.pytorch.deeplab import deeplabv3, deeplabv3plus
from helpers.pytorch.fcn import fcn
from helpers.pytorch.pspnet import pspnet
from helpers.pytorch.segnet import segnet
from helpers.pytorch.unet import unet

NETWORKS = {
    "fcn32": partial(fcn, stride=32),
    "fcn16": partial(fcn, stride=16),
    "fcn8": partial(fcn, stride=8),
    "segnet": segnet,
    "unet": unet,
    "pspnet": pspnet,
    "deeplabv3": deeplabv3,
    "deeplabv3plus": deeplabv3plus,
}
