"""Networks that begin with weights which others have trained."""

import keras

from helpers import pretrained as files
from helpers.keras import twin
from helpers.keras.deeplab_mobilenet import deeplab_mobilenet
from helpers.keras.networks import NETWORKS


def pretrained(network: str, classes: int, encoder: str = "resnet18", **options) -> keras.Model:
    """A network of the course whose encoder knows ImageNet: `pretrained("unet", 13)`.

    The rest begins at random, as ever. Where the encoder's weights are neither here nor can be
    fetched, one sentence says so, and the encoder is the course's own, "plain", untrained.

    Args:
        network: a name in `NETWORKS`.
        encoder: "resnet18", "mobilenet_v2", "resnet50" or "vgg16".
        options: those of the network.
    """
    model = NETWORKS[network](classes, encoder=encoder, **options)
    try:
        arrays = files.fit(twin.get_weights(model), encoder, "encoder_")
    except files.WeightsError as fault:
        print(f"{fault} Until then the network has the course's own encoder, untrained.")
        return NETWORKS[network](classes, **options)
    twin.set_weights(model, arrays)
    return model


def voc() -> keras.Model | None:
    """A light DeepLabv3 that knows the 21 classes `helpers.classes.VOC`, ready to predict.

    torchvision's deeplabv3_mobilenet_v3_large: 60.3 mean IoU on the validation images of COCO. Any
    size will do; it has learnt on images of about 520 rows. None, and a sentence, where the weights
    are neither here nor can be fetched.
    """
    model = deeplab_mobilenet()
    try:
        arrays = files.fit(twin.get_weights(model), "deeplabv3_mobilenet_v3_large")
    except files.WeightsError as fault:
        print(fault)
        return None
    twin.set_weights(model, arrays)
    return model
