"""Every network of the course by its name: NETWORKS["fcn8"](classes=13, width=16)."""

from functools import partial

from helpers.keras.deeplab import deeplabv3, deeplabv3plus
from helpers.keras.fcn import fcn
from helpers.keras.pspnet import pspnet
from helpers.keras.segnet import segnet
from helpers.keras.unet import unet

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
