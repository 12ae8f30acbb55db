"""How fast to learn: the one-cycle schedule."""

import math


def one_cycle(done: float, warmup: float = 0.15) -> float:
    """The factor on the learning rate when the part `done` of the training, 0 to 1, is behind.

    A straight rise to 1 during the warm-up, then half a cosine down to 0: the one-cycle policy of
    Smith and Topin 2017 (arXiv:1708.07120) with the cosine of Loshchilov and Hutter 2016
    (arXiv:1608.03983).
    """
    if done < warmup:
        return 0.04 + 0.96 * done / warmup
    return 0.5 + 0.5 * math.cos(math.pi * min(1, (done - warmup) / (1 - warmup)))
