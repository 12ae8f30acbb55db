"""Turns a checkpoint of torchvision into a safetensors file that both frameworks read.

python -m helpers.pytorch.convert resnet18-f37072fd.pth resnet18.safetensors
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file


def convert(checkpoint: str | Path, target: str | Path) -> None:
    """Writes the state dict in `checkpoint` to `target`, whole or not at all.

    Raises Exception (what torch.load raises): it is cut off, or holds more than arrays.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    new = Path(f"{target}.new")
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, new)
    new.replace(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help="NAME.pth")
    parser.add_argument("target", type=Path, help="NAME.safetensors")
    options = parser.parse_args()
    convert(options.checkpoint, options.target)


if __name__ == "__main__":
    main()
