"""Turns a checkpoint of torchvision into a safetensors file that both frameworks read.

python -m helpers.pytorch.convert resnet18-f37072fd.pth ~/.cache/pixelwise/resnet18.safetensors

So what torchvision has fetched before (~/.cache/torch/hub/checkpoints) serves without a network.
"""

import argparse
import pickle
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file


def convert(checkpoint: str | Path, target: str | Path) -> None:
    """Writes the state dict in `checkpoint` to `target`, whole or not at all.

    Raises ValueError: it is cut off, or holds more than arrays. Nothing in it is run.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as fault:
        why = str(fault).partition("\n")[0]
        raise ValueError(
            f"{checkpoint}: cut off, or no checkpoint of arrays alone ({why})"
        ) from None
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    new = Path(f"{target}.new")
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, new)
    new.replace(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="NAME.pth")
    parser.add_argument("target", type=Path, help="NAME.safetensors")
    options = parser.parse_args()
    try:
        convert(options.checkpoint, options.target)
    except (OSError, ValueError) as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
