"""Carries weights from one twin to the other, and shows that the two are one network.

The only file that loads both frameworks. `python -m helpers.twins` measures every network with
every option, writes build/twins.json, and the files in course/twins with which a lesson in one
framework opens a network that was trained in the other.
"""

import helpers.keras  # noqa: F401  the first, for it sets the backend of Keras

# isort: split
import argparse
import copy
import json
import tempfile
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import tensorflow as tf
import torch
from torch import nn

from helpers.export import export
from helpers.keras import losses as keras_losses
from helpers.keras import networks as keras_networks
from helpers.keras import twin as keras_twin
from helpers.keras.train import train as train_keras
from helpers.pytorch import losses as torch_losses
from helpers.pytorch import networks as torch_networks
from helpers.pytorch import twin as torch_twin
from helpers.pytorch.predict import tensor
from helpers.pytorch.train import train as train_torch
from helpers.streets import scenes

ROWS = [
    ("fcn32", {}),
    ("fcn16", {}),
    ("fcn8", {}),
    *(("segnet", {"depth": depth}) for depth in (5, 3)),
    *(
        ("unet", {"up": up, "norm": norm})
        for up in ("transposed", "bilinear", "nearest")
        for norm in (True, False)
    ),
    ("unet", {"depth": 3, "dropout": 0.2}),
    *(
        ("unet", {"depth": 2, "padding": "valid", "up": up})
        for up in ("transposed", "bilinear", "nearest")
    ),
    *(("pspnet", {"output_stride": stride}) for stride in (8, 16, 32)),
    ("pspnet", {"bins": (1, 5)}),
    *(
        (network, option)
        for network in ("deeplabv3", "deeplabv3plus")
        for option in (*({"output_stride": stride} for stride in (8, 16, 32)), {"rates": (6, 12)})
    ),
    # Each encoder, each network, each output stride; not each with each, for that takes long.
    *(("unet", {"encoder": name}) for name in ("resnet18", "mobilenet_v2", "resnet50", "vgg16")),
    ("fcn8", {"encoder": "resnet18"}),
    ("pspnet", {"encoder": "resnet18", "output_stride": 8}),
    ("deeplabv3", {"encoder": "mobilenet_v2", "output_stride": 8}),
    ("deeplabv3plus", {"encoder": "mobilenet_v2", "output_stride": 16}),
    ("deeplabv3", {"encoder": "vgg16", "output_stride": 8}),
]
"""What is compared: networks by name, and options. All take images of 64×96."""

LESSONS = [
    ("unet", {"width": 4, "depth": 3}, (24, 32)),
    ("fcn8", {"width": 2}, (32, 64)),
    ("deeplabv3plus", {"width": 2}, (32, 48)),
    ("pspnet", {"width": 2}, (32, 64)),
]
"""The networks that lessons open in the other framework; height and width of their scenes."""


def twins(network: str, width: int = 8, **options) -> tuple[nn.Module, keras.Model]:
    """A network in both frameworks with the same random weights, batch-norm statistics included."""
    torch.manual_seed(0)
    torch_model = torch_networks.NETWORKS[network](13, width, **options)
    with torch.no_grad():
        for parameter in torch_model.parameters():
            # biases, scales and shifts begin at 0 or 1, and some kernels as interpolation
            spread = 1 if parameter.ndim == 1 else parameter.std()
            parameter += 0.2 * spread * torch.randn_like(parameter)
        for _ in range(5):
            torch_model(torch.rand(4, 3, 64, 96))
    keras_model = keras_networks.NETWORKS[network](13, width, **options)
    to_keras(torch_model.eval(), keras_model)
    return torch_model, keras_model


def to_keras(torch_model: nn.Module, keras_model: keras.Model) -> None:
    """Puts the weights and batch-norm statistics of `torch_model` into its twin."""
    keras_twin.set_weights(keras_model, torch_twin.get_weights(torch_model))


def to_torch(keras_model: keras.Model, torch_model: nn.Module) -> None:
    """Puts the weights and batch-norm statistics of `keras_model` into its twin."""
    torch_twin.set_weights(torch_model, keras_twin.get_weights(keras_model))


def compare(
    torch_model: nn.Module, keras_model: keras.Model, images, masks, folder: str | Path
) -> dict[str, float]:
    """The largest differences between two twins on images uint8 N×H×W×3, masks uint8 N×H×W.

    Returns:
        max_logit_difference, max_gradient_difference (of `cross_entropy_dice`, over all weights,
        statistics frozen; in float64, for in float32 the last digit decides whether a value near 0
        passes a ReLU) and onnx_difference (between the two exported files, which stay in
        `folder` as torch.onnx and keras.onnx).
    """
    torch_model, scratch = copy.deepcopy(torch_model).eval(), keras.models.clone_model(keras_model)
    scratch.set_weights(keras_model.get_weights())
    x = images.astype(np.float32) / 255
    files = [
        export(model, Path(folder) / f"{name}.onnx", *images.shape[1:3])
        for name, model in {"torch": torch_model, "keras": scratch}.items()
    ]
    from_torch = _run(files[0], np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    onnx_difference = np.abs(from_torch.transpose(0, 2, 3, 1) - _run(files[1], x)).max()

    with torch.no_grad():
        logits = torch_model(tensor(images)).permute(0, 2, 3, 1).numpy()
    logit_difference = np.abs(logits - scratch(x, training=False).numpy()).max()

    torch_model, scratch = torch_model.double(), _double(scratch)
    torch_logits = torch_model(tensor(images).double())
    # without padding, the logits are of the middle alone
    edge = [(a - b) // 2 for a, b in zip(masks.shape[1:], torch_logits.shape[2:], strict=True)]
    masks = masks[:, edge[0] : masks.shape[1] - edge[0], edge[1] : masks.shape[2] - edge[1]]
    torch_losses.cross_entropy_dice(torch_logits, torch.from_numpy(masks)).backward()
    with tf.GradientTape() as tape:
        keras_logits = scratch(x.astype(np.float64), training=False)
        loss = keras_losses.cross_entropy_dice(keras_logits, masks)
    gradients = tape.gradient(loss, scratch.trainable_variables)
    # Gradients in the place of the weights: so they have the same names on both sides.
    with torch.no_grad():
        for parameter in torch_model.parameters():
            parameter.copy_(parameter.grad)
    for variable, gradient in zip(scratch.trainable_variables, gradients, strict=True):
        variable.assign(gradient)
    ours, theirs = torch_twin.get_weights(torch_model), keras_twin.get_weights(scratch)
    return {
        "max_logit_difference": float(logit_difference),
        "max_gradient_difference": float(max(np.abs(ours[k] - theirs[k]).max() for k in ours)),
        "onnx_difference": float(onnx_difference),
    }


def _double(model: keras.Model) -> keras.Model:
    """The same model, in float64."""

    def double(layer):
        return type(layer).from_config({**layer.get_config(), "dtype": "float64"})

    copy = keras.models.clone_model(model, clone_function=double)
    copy.set_weights(model.get_weights())
    return copy


def measure(network: str, options: dict, images, masks, folder: str | Path, width=8) -> dict:
    """A row of the table: the twins with these options, and how far they are apart."""
    torch_model, keras_model = twins(network, width, **options)
    parameters = sum(p.numel() for p in torch_model.parameters())
    if parameters != sum(v.numpy().size for v in keras_model.trainable_variables):
        raise AssertionError(f"{network} {options}: the twins have different parameter counts")
    return {
        "network": network,
        "option": " ".join(f"{key}={value}" for key, value in options.items()),
        "parameters": parameters,
        **compare(torch_model, keras_model, images, masks, folder),
    }


def write_lesson_files(
    network: str, options: dict, folder: Path, images, masks, steps: int = 200
) -> None:
    """A small network trained in each framework, with one image and its logits."""
    folder.mkdir(parents=True, exist_ok=True)
    image = images[:1]
    x = image.astype(np.float32) / 255
    saved = {"network": network, "classes": 13, **options}

    torch.manual_seed(0)
    model = torch_networks.NETWORKS[network](13, **options)
    train_torch(model, images, masks, steps, progress=False)
    logits = model(tensor(image)).detach().permute(0, 2, 3, 1).numpy()
    file = folder / f"{network}_from_pytorch.npz"
    _write(file, torch_twin.get_weights(model), saved, image, logits)

    keras.utils.set_random_seed(0)
    model = keras_networks.NETWORKS[network](13, **options)
    train_keras(model, images, masks, steps, progress=False)
    logits = model(x, training=False).numpy()
    file = folder / f"{network}_from_keras.npz"
    _write(file, keras_twin.get_weights(model), saved, image, logits)


def _write(path: Path, weights: dict, options: dict, image: np.ndarray, logits: np.ndarray) -> None:
    np.savez_compressed(path, options=json.dumps(options), image=image, logits=logits, **weights)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _run(path: Path, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": image})[0]


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    images, masks = scenes(range(2), [0], height=64, width=96)
    rows = []
    print(f"{'network':13} {'option':36} {'parameters':>10}   logits gradient     ONNX")
    with tempfile.TemporaryDirectory() as folder:
        for network, options in ROWS:
            row = measure(network, options, images, masks, folder)
            rows.append(row)
            print(
                f"{row['network']:13} {row['option']:36} {row['parameters']:10,} "
                f"{row['max_logit_difference']:8.1e} {row['max_gradient_difference']:8.1e} "
                f"{row['onnx_difference']:8.1e}",
                flush=True,
            )
    Path("build").mkdir(exist_ok=True)
    Path("build/twins.json").write_text(json.dumps(rows, indent=1))
    for network, options, (height, width) in LESSONS:
        small = scenes(range(8), range(0, 40, 10), height=height, width=width)
        write_lesson_files(network, options, Path("course/twins"), *small)


if __name__ == "__main__":
    main()
