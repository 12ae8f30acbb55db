"""What must be read from the graph of a network, for tests of `helpers.architecture`."""

from torch import nn

from helpers.architecture import Architecture


def assert_read(
    found: Architecture, down: list[int], up: list[int], skips: list[tuple[int, str, int, int]]
) -> None:
    """Holds the stages and skips that were read against those that were built, for 96×128.

    Args:
        down, up: resolutions on the way down and up again, as halvings of the image.
        skips: level, kind, channels of the encoder, channels from below.
    """
    assert [(s.part != "decoder", s.height, s.width) for s in found.stages] == [
        *((True, 96 >> level, 128 >> level) for level in down),
        *((False, 96 >> level, 128 >> level) for level in up),
    ]
    assert [(s.height, s.kind, *s.channels) for s in found.skips] == [
        (96 >> level, *skip) for level, *skip in skips
    ]


def folded(model: nn.Module) -> int:
    """The parameters when batch norm is folded away: weights, and one bias for each map."""
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    return sum(layer.weight.numel() + layer.out_channels for layer in layers)


class Attention(nn.Module):
    """Each of 6×8 places looks at every other, between two convolutions."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Conv2d(3, 24, 16, 16), nn.ConvTranspose2d(24, 13, 16, 16)
        self.look = nn.MultiheadAttention(24, 4, batch_first=True)

    def forward(self, x):
        maps = self.down(x)
        words = maps.flatten(2).transpose(1, 2)
        words = words + self.look(words, words, words)[0]
        return self.up(words.transpose(1, 2).reshape(maps.shape))
