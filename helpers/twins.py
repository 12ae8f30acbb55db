"""Carries weights from one twin to the other, and shows that the two are one network.

The only file that loads both frameworks. `python -m helpers.twins` measures every option, writes
build/twins.json, and the files in course/twins with which a lesson in one framework opens a network
that was trained in the other.
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
from helpers.keras import twin as keras_twin
from helpers.keras.train import train as train_keras
from helpers.keras.unet import unet as keras_unet
from helpers.pytorch import losses as torch_losses
from helpers.pytorch import twin as torch_twin
from helpers.pytorch.predict import tensor
from helpers.pytorch.train import train as train_torch
from helpers.pytorch.unet import unet as torch_unet
from helpers.streets import scenes

OPTIONS = [
    {"up": up, "norm": norm, "depth": depth}
    for up in ("transposed", "bilinear")
    for norm in (True, False)
    for depth in (3, 4)
]


def to_keras(torch_model: nn.Module, keras_model: keras.Model) -> None:
    """Puts the weights and batch-norm statistics of `torch_model` into its twin."""
    keras_twin.set_weights(keras_model, torch_twin.get_weights(torch_model))


def to_torch(keras_model: keras.Model, torch_model: nn.Module) -> None:
    """Puts the weights and batch-norm statistics of `keras_model` into its twin."""
    torch_twin.set_weights(torch_model, keras_twin.get_weights(keras_model))


def compare(torch_model: nn.Module, keras_model: keras.Model, images, masks) -> dict[str, float]:
    """The largest differences between two twins on images uint8 N×H×W×3, masks uint8 N×H×W.

    Returns:
        max_logit_difference, max_gradient_difference (of `cross_entropy_dice`, over all weights,
        statistics frozen) and onnx_difference (between the two exported files).
    """
    torch_model, scratch = copy.deepcopy(torch_model).eval(), keras.models.clone_model(keras_model)
    scratch.set_weights(keras_model.get_weights())
    x = images.astype(np.float32) / 255
    height, width = images.shape[1:3]
    with tempfile.TemporaryDirectory() as folder:
        files = [
            export(model, Path(folder) / f"{i}.onnx", height, width)
            for i, model in enumerate((torch_model, scratch))
        ]
        from_torch = _run(files[0], np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        onnx_difference = np.abs(from_torch.transpose(0, 2, 3, 1) - _run(files[1], x)).max()

    torch_logits = torch_model(tensor(images))
    torch_losses.cross_entropy_dice(torch_logits, torch.from_numpy(masks)).backward()
    with tf.GradientTape() as tape:
        keras_logits = scratch(x, training=False)
        loss = keras_losses.cross_entropy_dice(keras_logits, masks)
    gradients = tape.gradient(loss, scratch.trainable_variables)
    # Gradients in the place of the weights: so they have the same names on both sides.
    with torch.no_grad():
        for parameter in torch_model.parameters():
            parameter.copy_(parameter.grad)
    for variable, gradient in zip(scratch.trainable_variables, gradients, strict=True):
        variable.assign(gradient)
    ours, theirs = torch_twin.get_weights(torch_model), keras_twin.get_weights(scratch)
    logits = torch_logits.detach().permute(0, 2, 3, 1).numpy()
    return {
        "max_logit_difference": float(np.abs(logits - keras_logits.numpy()).max()),
        "max_gradient_difference": float(max(np.abs(ours[k] - theirs[k]).max() for k in ours)),
        "onnx_difference": float(onnx_difference),
    }


def measure(options: dict, images: np.ndarray, masks: np.ndarray) -> dict:
    """Trains a U-Net with these options for a little while, carries it over and compares."""
    torch.manual_seed(0)
    torch_model = torch_unet(13, width=8, **options)
    keras_model = keras_unet(13, width=8, **options)
    train_torch(torch_model, images, masks, steps=20, progress=False)
    to_keras(torch_model, keras_model)
    parameters = sum(p.numel() for p in torch_model.parameters())
    if parameters != sum(v.numpy().size for v in keras_model.trainable_variables):
        raise AssertionError(f"unet {options}: the twins have different parameter counts")
    return {
        "network": "unet",
        "option": " ".join(f"{key}={value}" for key, value in options.items()),
        "parameters": parameters,
        **compare(torch_model, keras_model, images[:4], masks[:4]),
    }


def write_lesson_files(folder: Path, images: np.ndarray, masks: np.ndarray) -> None:
    """One small network trained in each framework, with one image and its logits."""
    options = {"classes": 13, "width": 4, "depth": 3}
    folder.mkdir(parents=True, exist_ok=True)
    image = images[:1]
    x = image.astype(np.float32) / 255

    torch.manual_seed(0)
    model = torch_unet(**options)
    train_torch(model, images, masks, steps=200, progress=False)
    logits = model(tensor(image)).detach().permute(0, 2, 3, 1).numpy()
    _write(folder / "unet_from_pytorch.npz", torch_twin.get_weights(model), options, image, logits)

    keras.utils.set_random_seed(0)
    model = keras_unet(**options)
    train_keras(model, images, masks, steps=200, progress=False)
    logits = model(x, training=False).numpy()
    _write(folder / "unet_from_keras.npz", keras_twin.get_weights(model), options, image, logits)


def _write(path: Path, weights: dict, options: dict, image: np.ndarray, logits: np.ndarray) -> None:
    np.savez_compressed(path, options=json.dumps(options), image=image, logits=logits, **weights)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _run(path: Path, image: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": image})[0]


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    torch.set_num_threads(1)
    images, masks = scenes(range(8), range(0, 40, 10), height=48, width=64)
    rows = []
    print(f"{'network':8} {'option':38} {'parameters':>10}   logits gradient     ONNX")
    for options in OPTIONS:
        row = measure(options, images, masks)
        rows.append(row)
        print(
            f"{row['network']:8} {row['option']:38} {row['parameters']:10,} "
            f"{row['max_logit_difference']:8.1e} {row['max_gradient_difference']:8.1e} "
            f"{row['onnx_difference']:8.1e}"
        )
    Path("build").mkdir(exist_ok=True)
    Path("build/twins.json").write_text(json.dumps(rows, indent=1))
    small = scenes(range(8), range(0, 40, 10), height=24, width=32)
    write_lesson_files(Path("course/twins"), *small)


if __name__ == "__main__":
    main()
