"""Right FCNs; those in Keras stand in keras_fcn.py."""

from tests.right import keras_fcn
from tests.right.answer import Right

RIGHT = [
    Right(
        "fcn",
        "strides halve, group norm, GELU, nearest up-sampling",
        """
class Net(nn.Module):
    def __init__(self, classes, width, stride):
        super().__init__()
        sizes = [width * n for n in (1, 2, 4, 8, 16, 16)]
        self.steps = nn.ModuleDict()
        before = 3
        for k, size in enumerate(sizes):
            self.steps[f"block{k}"] = nn.Sequential(
                nn.Conv2d(before, size, 3, stride=2 if k else 1, padding=1),
                nn.GroupNorm(2, size),
                nn.GELU(),
            )
            before = size
        self.levels = [k for k in range(5, 2, -1) if 2**k >= stride]
        self.scores = nn.ModuleDict({str(k): nn.Conv2d(sizes[k], classes, 1) for k in self.levels})

    def forward(self, x):
        maps = [x := step(x) for step in self.steps.values()]
        first, *others = self.levels
        total = self.scores[str(first)](maps[first])
        for k in others:
            finer = self.scores[str(k)](maps[k])
            total = finer + nn.functional.interpolate(total, size=finer.shape[2:])
        return nn.functional.interpolate(total, scale_factor=float(2 ** self.levels[-1]))

fcn = Net
""",
    ),
    Right(
        "fcn",
        "separable convolutions, reflected edges, dropout, transposed with bilinear weights",
        """
class Up(nn.ConvTranspose2d):
    def __init__(self, maps, factor):
        super().__init__(maps, maps, 2 * factor, factor, factor // 2, groups=maps, bias=False)
        side = 1 - (torch.arange(2 * factor) - factor + 0.5).abs() / factor
        self.weight.data[:] = torch.outer(side, side)

def block(before, after):
    return nn.Sequential(
        nn.Conv2d(before, before, 3, padding=1, groups=before, padding_mode="reflect"),
        nn.Conv2d(before, after, 1),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.2),
    )

class Net(nn.Module):
    def __init__(self, classes, width, stride):
        super().__init__()
        w = [width, 2 * width, 4 * width, 8 * width, 16 * width, 16 * width]
        self.blocks = nn.ModuleList([block(a, b) for a, b in zip([3] + w, w)])
        self.score5, self.score4, self.score3 = (nn.Conv2d(w[k], classes, 1) for k in (5, 4, 3))
        self.two, self.four = Up(classes, 2), Up(classes, 2)
        self.full = Up(classes, stride)
        self.stride = stride

    def forward(self, x):
        maps = {}
        for k, block in enumerate(self.blocks):
            x = block(x) if k == 0 else block(nn.functional.avg_pool2d(x, 2))
            maps[k] = x
        out = self.score5(x)
        if self.stride < 32:
            out = self.two(out) + self.score4(maps[4])
        if self.stride < 16:
            out = self.four(out) + self.score3(maps[3])
        return self.full(out)

def fcn(classes, width, stride):
    return Net(classes, width, stride)
""",
    ),
    Right(
        "fcn",
        "one network inside the other, scores as linear layers",
        """
class Score(nn.Linear):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

class Level(nn.Module):
    # a block, what lies below it, and its scores
    def __init__(self, k, before, width, classes, stride):
        super().__init__()
        after = width * min(1 << k, 16)
        self.k, self.scored = k, (1 << k) >= stride
        self.block = nn.Sequential(
            nn.Conv2d(before, after, 3, padding="same"), nn.InstanceNorm2d(after), nn.SiLU(),
            nn.Conv2d(after, after, 3, padding=2, dilation=2), nn.SiLU())
        self.score = Score(after, classes) if self.scored else None
        self.below = Level(k + 1, after, width, classes, stride) if k < 5 else None
        self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x):
        x = self.block(x)
        if self.below is None:
            return self.score(x)
        below = self.below(self.pool(x))
        if not self.scored:
            return below
        return nn.functional.interpolate(below, scale_factor=2, mode="bilinear") + self.score(x)

class Net(nn.Module):
    def __init__(self, classes, width, stride):
        super().__init__()
        self.net = Level(0, 3, width, classes, stride)
        self.up = nn.UpsamplingBilinear2d(scale_factor=stride)

    def forward(self, x):
        return self.up(self.net(x))

def fcn(classes, width, stride):
    return Net(classes, width, stride)
""",
    ),
    Right(
        "fcn",
        "weights in a dictionary, layers as functions",
        """
F = nn.functional

class Net(nn.Module):
    def __init__(self, classes, width, stride):
        super().__init__()
        sizes = [3] + [width * 2 ** min(k, 4) for k in range(6)]
        self.stride, self.w = stride, nn.ParameterDict()
        for k in range(6):
            self.w[f"k{k}"] = torch.randn(sizes[k + 1], sizes[k], 3, 3) * 0.05
            self.w[f"b{k}"] = torch.zeros(sizes[k + 1])
            self.w[f"s{k}"] = torch.randn(classes, sizes[k + 1], 1, 1) * 0.05

    def forward(self, x):
        maps = []
        for k in range(6):
            if k > 0:
                x = F.max_pool2d(x, kernel_size=2)
            x = torch.relu(F.conv2d(x, self.w[f"k{k}"], self.w[f"b{k}"], padding=1))
            maps.append(x)
        out, at = F.conv2d(x, self.w["s5"]), 32
        while at > self.stride:
            at //= 2
            k = at.bit_length() - 1
            twice = out.repeat_interleave(2, 2).repeat_interleave(2, 3)
            out = twice + F.conv2d(maps[k], self.w[f"s{k}"])
        return F.interpolate(out, scale_factor=at, mode="bicubic")

def fcn(classes, width, stride):
    return Net(classes, width, stride)
""",
    ),
    Right(
        "fcn",
        "residual blocks of torchvision's shape and branches side by side",
        """
class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        half = after // 2
        self.first = nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))
        self.small = nn.Conv2d(after, half, 3, padding=1, bias=False)
        self.large = nn.Conv2d(after, after - half, 5, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        x = self.first(x)
        y = torch.cat([self.small(x), self.large(x)], dim=1)
        return nn.functional.leaky_relu(x + self.norm(y), 0.1)

class Net(nn.Sequential):
    def __init__(self, classes, width, stride):
        sizes = [width, 2 * width, 4 * width, 8 * width, 16 * width, 16 * width]
        blocks = [Block(a, b) for a, b in zip([3, *sizes], sizes)]
        super().__init__(*blocks)
        self.heads = nn.ModuleList(nn.LazyConv2d(classes, 1) for s in (32, 16, 8) if s >= stride)
        self.stride = stride
        self(torch.zeros(1, 3, 64, 64))

    def forward(self, x):
        maps = []
        for block in list(self)[:6]:
            x = block(nn.functional.max_pool2d(x, 2) if maps else x)
            maps.append(x)
        total = self.heads[0](x)
        twice = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        if self.stride <= 16:
            total = torch.add(twice(total), self.heads[1](maps[4]))
        if self.stride == 8:
            total = torch.add(twice(total), self.heads[2](maps[3]))
        return nn.Upsample(scale_factor=self.stride, mode="nearest")(total)

def fcn(classes, width, stride):
    return Net(classes, width, stride)
""",
    ),
    Right(
        "fcn",
        "blocks of MONAI, left in training mode and in float64",
        """
from monai.networks.blocks import Convolution, ResidualUnit

class Net(nn.Module):
    def __init__(self, classes, width, stride):
        super().__init__()
        sizes = [width * min(2**k, 16) for k in range(6)]
        self.blocks = nn.ModuleList(
            ResidualUnit(2, a, b, strides=2 if k else 1, norm="batch", act="relu")
            for k, (a, b) in enumerate(zip([3, *sizes], sizes)))
        self.scored = [k for k in (5, 4, 3) if 2**k >= stride]
        self.scores = nn.ModuleList(
            Convolution(2, sizes[k], classes, kernel_size=1, conv_only=True) for k in self.scored)

    def forward(self, x):
        maps = []
        for block in self.blocks:
            maps.append(x := block(x))
        total = self.scores[0](x)
        for k, score in zip(self.scored[1:], self.scores[1:]):
            total = nn.functional.interpolate(total, maps[k].shape[2:]) + score(maps[k])
        return nn.functional.interpolate(total, scale_factor=2 ** self.scored[-1])

def fcn(classes, width, stride):
    return Net(classes, width, stride).train().double()
""",
    ),
    *keras_fcn.RIGHT,
]
