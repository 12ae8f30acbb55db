"""Weights that others have trained: finds them here, or fetches them, for both frameworks alike.

Those of the encoders come from ImageNet and are the ones that torchvision publishes. timm keeps
copies of most on the Hugging Face hub as safetensors: a format that holds arrays alone and runs
nothing when it is read, as a pickle may. A checkpoint of torchvision's own is turned into that
once, by PyTorch. Names and shapes are torchvision's.

One file serves both frameworks, so that a lesson starts from the same weights in either track.
keras.applications is no second way to them: it has no ResNet-18; its MobileNetV2 pads strided
convolutions on one side, and its ResNet50 halves in another layer and has other epsilons; its VGG16
fits in shape, but has learnt with blue first and values up to 255.
"""

import hashlib
import http.client
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from tqdm.auto import tqdm

HERE = Path(__file__).resolve().parent.parent
KAGGLE = Path("/kaggle/input")
CACHE = "~/.cache/pixelwise"
CHUNK = 2**17  # bytes
SILENCE = 30  # seconds without a byte until the line counts as dead
LINE = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)

HUB = "https://huggingface.co/{}/resolve/{}/model.safetensors"


@dataclass(frozen=True)
class Source:
    """Where a file of weights lies, how large it is, and what it must be."""

    url: str
    sha256: str
    """The check sum, or its beginning, as it stands in the names of torchvision's files."""
    megabytes: int
    unused: tuple[str, ...] = ("fc.", "classifier.", "pre_logits.", "head.")
    """How the names of arrays begin that no network here has; large ones are not even read."""


SOURCES = {
    "resnet18": Source(
        HUB.format("timm/resnet18.tv_in1k", "a987fd6b60f845221bfff84b6f0191273ba56ead"),
        "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
        47,
    ),
    "mobilenet_v2": Source(
        "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
        "b0353104",
        14,
    ),
    "resnet50": Source(
        HUB.format("timm/resnet50.tv_in1k", "aa6c2d36d56bc0209040c02b5a7b7d7bf11d57b8"),
        "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
        102,
    ),
    "vgg16": Source(
        HUB.format("timm/vgg16.tv_in1k", "3394518cba29aee1ea82a49d971be90d2dd1dab7"),
        "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
        553,
    ),
    # the whole network of `deeplab_mobilenet`, trained on the 20 classes of Pascal VOC
    "deeplabv3_mobilenet_v3_large": Source(
        "https://download.pytorch.org/models/deeplabv3_mobilenet_v3_large-fc3c493d.pth",
        "fc3c493d",
        42,
        ("aux_classifier.",),
    ),
}


class WeightsError(OSError):
    """Why the weights are not there, and what to do."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]  # in a notebook the sentence is enough


def weights(name: str) -> dict[str, np.ndarray]:
    """The arrays of `SOURCES[name]`, float32, by the names that torchvision gives them.

    Looks for NAME.safetensors at any depth of the folder that PIXELWISE_WEIGHTS names, of
    /kaggle/input and of ~/.cache/pixelwise. Where there is none, downloads it to the first or the
    last of these. A download that was cut off goes on where it was; it counts as there only when it
    is whole and its check sum is right.

    Raises:
        WeightsError: no file and no network, not the right file, nowhere to write.
        ValueError: there is no such name.
    """
    return _read(_path(name), SOURCES[name].unused)


def fit(own: dict[str, np.ndarray], name: str, prefix: str = "") -> dict[str, np.ndarray]:
    """The weights of a model with those called `name` in their places.

    Args:
        own: what `twin.get_weights(model)` gives, in either framework.
        name: a name in `SOURCES`.
        prefix: how the names of the part that gets them begin, such as "encoder_".

    Returns:
        What `twin.set_weights(model, …)` takes.

    Raises:
        WeightsError, ValueError: as `weights`; also where an array of that part is missing in the
            file, or has another shape.
    """
    path = _path(name)
    arrays = _twin_layout(_read(path, SOURCES[name].unused), prefix)
    filled = dict(own)
    for key in own:
        if key.startswith(prefix):
            has = arrays[key].shape if key in arrays else "nothing"
            if has != own[key].shape:
                raise WeightsError(
                    f"{path}: {key} should have the shape {own[key].shape}, the file has {has}. It "
                    f"holds the weights of something else than {name}: remove it."
                )
            filled[key] = arrays[key]
    return filled


def _twin_layout(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """torchvision's names and layouts to those that the twins share."""
    norm = {"weight": "scale", "bias": "shift", "running_mean": "mean", "running_var": "variance"}
    result = {}
    for name, array in arrays.items():
        layer, _, kind = name.rpartition(".")
        if f"{layer}.running_mean" in arrays:
            kind = norm[kind]
        elif kind == "weight" and array.ndim == 4:
            depthwise = array.shape[1] == 1
            kind, array = "kernel", array.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
        result[f"{prefix}{layer.replace('.', '_')}.{kind}"] = array
    return result


def _path(name: str) -> Path:
    if name not in SOURCES:
        raise ValueError(f"no weights are known for {name!r}; there are {', '.join(SOURCES)}.")
    for folder in (os.environ.get("PIXELWISE_WEIGHTS"), KAGGLE, CACHE):
        for found in (
            sorted(Path(folder).expanduser().rglob(f"{name}.safetensors")) if folder else ()
        ):
            return found
    return _fetch(name)


def _read(path: Path, unused: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, framework="numpy") as file:
            return {
                name: file.get_tensor(name).astype(np.float32, copy=False)
                for name in file.keys()
                if not name.startswith(unused) and not name.endswith(".num_batches_tracked")
            }
    except (SafetensorError, OSError) as fault:
        raise WeightsError(
            f"{path} cannot be read ({fault}): it is cut off, or no safetensors file. Remove it, "
            "and run this again to fetch it anew."
        ) from None


def _fetch(name: str) -> Path:
    """Downloads the file; torchvision's own format is turned into safetensors."""
    source = SOURCES[name]
    folder = Path(os.environ.get("PIXELWISE_WEIGHTS") or CACHE).expanduser().resolve()
    target = folder / f"{name}.safetensors"
    part = folder / f"{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _download(source, part, target)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest.startswith(source.sha256):
            part.unlink()
            raise WeightsError(
                f"{source.url}: what came is not the file with the weights (its SHA-256 begins "
                f"with {digest[:8]} in place of {source.sha256[:8]}) and was removed. Does a "
                "sign-in page or a proxy stand in between? Run this again."
            )
        if source.url.endswith(".pth"):
            _convert(part, target)
            part.unlink()
        else:
            part.replace(target)
    except WeightsError:
        raise
    except OSError as fault:
        raise WeightsError(
            f"{fault.filename or folder}: {fault.strerror}. Make room, or set PIXELWISE_WEIGHTS to "
            "a folder that can be written."
        ) from None
    return target


def _download(source: Source, part: Path, target: Path) -> None:
    """Brings the file to `part`, going on by itself after a cut as long as something comes."""
    bring = f"save the file as {target}"
    if source.url.endswith(".pth"):
        bring = f"bring the file and run `python -m helpers.pytorch.convert FILE {target}`"
    remedy = f"Run this again where there is a network, or {bring}."
    while True:
        have = part.stat().st_size if part.exists() else 0
        fault = "cut off"
        try:
            if _attempt(source, part, have):
                return
        except urllib.error.HTTPError as answer:
            if answer.code == 416:  # nothing is missing
                return
            raise WeightsError(
                f"{source.url} answers {answer.code} ({answer.reason}). {remedy}"
            ) from None
        except LINE as broken:
            fault = getattr(broken, "reason", broken)
        if not part.exists() or part.stat().st_size <= have:
            raise WeightsError(
                f"These weights ({source.megabytes} MB) are not on this machine, and {source.url} "
                f"cannot be reached ({fault}). {remedy}"
            )


def _attempt(source: Source, part: Path, have: int) -> bool:
    """Fetches what is missing; says whether all has come."""
    request = urllib.request.Request(source.url, headers={"User-Agent": "pixelwise"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=SILENCE) as answer:
        if answer.status != 206:
            have = 0
        missing = int(answer.headers.get("Content-Length", 0))
        size = have + missing
        bar = tqdm(
            desc=f"weights of {part.stem}", total=size, initial=have, unit="B", unit_scale=True
        )
        with bar, part.open("ab" if have else "wb") as file:
            while piece := answer.read(CHUNK):
                file.write(piece)
                bar.update(len(piece))
        return part.stat().st_size >= size


def _convert(checkpoint: Path, target: Path) -> None:
    """In a process of its own, for PyTorch reads the checkpoint, and Keras may be running here."""
    command = [sys.executable, "-m", "helpers.pytorch.convert", checkpoint, target]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise WeightsError(
            f"{checkpoint} cannot be turned into {target.name} ({said}). It takes PyTorch once: "
            f"run `{' '.join(map(str, ['python', *command[1:]]))}` where that is installed."
        )
