"""A model in files: the best weights, and everything that a training needs to go on."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers import checkpoint
from helpers.pytorch.networks import NETWORKS

BEST = "best.safetensors"


def save(model: nn.Module, folder: str | Path) -> None:
    """Writes the weights to best.safetensors, under the names of `state_dict`."""
    checkpoint.write(Path(folder) / BEST, _arrays("", model.state_dict()))


def load(path: str | Path) -> nn.Module:
    """The network that network.json beside the file names, with the weights of the file.

    Raises:
        FileNotFoundError: one of the two is not there.
        ValueError: the weights are of another network, or a file is damaged.
    """
    path = Path(path)
    weights, _ = checkpoint.read(path)
    about = checkpoint.description(path.parent)
    model = NETWORKS[about["network"]](**about["options"])
    put_weights(model, weights, path)
    return model.eval()


def put_weights(model: nn.Module, weights: dict[str, np.ndarray], path: str | Path) -> None:
    """Puts arrays by the names of `state_dict` into the model; `path` is for the error."""
    try:
        model.load_state_dict({name: torch.from_numpy(a) for name, a in weights.items()})
    except RuntimeError as fault:
        reason = str(fault).splitlines()[1].strip()[:200]
        raise ValueError(f"{path}: of another network. {reason}") from None


def state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """Weights, the optimizer's averages and the random numbers' state."""
    arrays = _arrays("model.", model.state_dict())
    for i, parameter in enumerate(optimizer.param_groups[0]["params"]):
        arrays |= _arrays(f"optimizer.{i}.", optimizer.state[parameter])
    arrays["random"] = torch.get_rng_state().numpy()
    if torch.cuda.is_available():
        arrays["random.cuda"] = torch.cuda.get_rng_state().numpy()
    return arrays


def set_state(
    model: nn.Module, optimizer: torch.optim.Optimizer, arrays: dict[str, np.ndarray], path: Path
) -> None:
    """Puts back what `state` gave. Raises ValueError: it is of another network."""
    put_weights(model, _below("model.", arrays), path)
    for i, parameter in enumerate(optimizer.param_groups[0]["params"]):
        for name, array in _below(f"optimizer.{i}.", arrays).items():
            # The averages lie in memory as their weights do: the fused step counts on that.
            like = parameter if array.ndim else torch.empty((), device=parameter.device)
            kept = torch.empty_like(like, memory_format=torch.preserve_format, requires_grad=False)
            optimizer.state[parameter][name] = kept.copy_(torch.from_numpy(array))
    torch.set_rng_state(torch.from_numpy(arrays["random"]))
    if "random.cuda" in arrays and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.from_numpy(arrays["random.cuda"]))


def _arrays(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {prefix + name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    found = {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
    return found
