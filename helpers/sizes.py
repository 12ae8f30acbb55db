"""Which image sizes a network takes; the same words in both frameworks."""


def check_size(height: int, width: int, factor: int, padding: str = "same") -> None:
    """Raises ValueError with a size that would fit, unless the image does.

    Args:
        height, width: of the image.
        factor: how much coarser than the image the coarsest maps are.
        padding: "same": both sides must be multiples of `factor`. "valid": that of a U-Net whose
            3×3 convolutions have no padding, where all maps that are halved must have even sides,
            and something must be left at the end.
    """
    lost, least = (0, 1) if padding == "same" else (4, 12 - 3 // factor)
    if all((s + lost) % factor == 0 and s + lost >= least * factor for s in (height, width)):
        return
    fits = "×".join(
        str(max(least, -(-(side + lost) // factor)) * factor - lost) for side in (height, width)
    )
    if padding == "same":
        raise ValueError(
            f"The input is {height}×{width}, and this network halves it down to 1/{factor}: both "
            f"sides must be divisible by {factor}. Pad or resize it to {fits}."
        )
    raise ValueError(
        f"The input is {height}×{width}, and this network has no padding: each side must be a "
        f"multiple of {factor} less 4, and {least * factor - 4} at least. Pad or resize it to "
        f"{fits}."
    )
