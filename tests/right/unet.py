"""Right U-Nets; those in Keras stand in keras_unet.py."""

from tests.right import keras_unet
from tests.right.answer import Right

RIGHT = [
    Right(
        "unet",
        "nested modules, instance norm, bilinear up-sampling, dropout",
        """
import torch
import torch.nn as nn
import torch.nn.functional as F

def double(a, b):
    layers = []
    for before in (a, b):
        layers += [nn.Conv2d(before, b, 3, padding="same", padding_mode="replicate"),
                   nn.InstanceNorm2d(b, affine=True), nn.LeakyReLU(0.01, inplace=True)]
    return nn.Sequential(*layers, nn.Dropout2d(0.1))

class Level(nn.Module):
    def __init__(self, before, width, depth):
        super().__init__()
        self.down, self.inner = double(before, width), None
        if depth:
            self.inner = Level(width, 2 * width, depth - 1)
            self.narrow = nn.Conv2d(2 * width, width, 1)
            self.up = double(2 * width, width)

    def forward(self, x):
        x = self.down(x)
        if self.inner is None:
            return x
        below = F.interpolate(self.inner(F.avg_pool2d(x, 2)), size=x.shape[-2:], mode="bilinear")
        return self.up(torch.cat((self.narrow(below), x), dim=1))

def unet(classes, width=16):
    return nn.Sequential(Level(3, width, 4), nn.Conv2d(width, classes, 1))
""",
    ),
    Right(
        "unet",
        "wide dilated views with same padding at the bottom, and attention between its places",
        """
import torch
from torch import nn

def double(a, b, dilation=1):
    parts = []
    for before in (a, b):
        parts += [nn.Conv2d(before, b, 3, padding="same", dilation=dilation), nn.GELU()]
    return nn.Sequential(*parts)

class Attention(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.norm, self.look = nn.LayerNorm(maps), nn.MultiheadAttention(maps, 4, batch_first=True)

    def forward(self, x):
        words = self.norm(x.flatten(2).transpose(1, 2))
        seen, _ = self.look(words, words, words, need_weights=False)
        return x + seen.transpose(1, 2).unflatten(2, x.shape[2:])

class UNet(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        maps = [width * 2**k for k in range(5)]
        self.down = nn.ModuleList(map(double, [3, *maps[:3]], maps[:4]))
        self.bottom = nn.Sequential(double(maps[3], maps[4], dilation=2), Attention(maps[4]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * n, n, 2, 2) for n in maps[3::-1])
        self.join = nn.ModuleList(double(2 * n, n) for n in maps[3::-1])
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        skips = []
        for block in self.down:
            skips.append(block(x))
            x = nn.functional.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for up, join in zip(self.up, self.join):
            x = join(torch.cat([skips.pop(), up(x)], dim=1))
        return self.head(x)

def unet(classes, width=16):
    return UNet(classes, width)
""",
    ),
    Right(
        "unet",
        "strides halve, nearest up-sampling, group norm, softmax at the end",
        """
import torch
from torch import nn

class Block(nn.Sequential):
    def __init__(self, a, b, stride=1):
        super().__init__(
            nn.Conv2d(a, b, 3, stride, 1), nn.GroupNorm(1, b), nn.SiLU(),
            nn.Conv2d(b, b, 3, 1, 1), nn.GroupNorm(1, b), nn.SiLU())

class Net(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        w = width
        self.e1, self.e2, self.e3 = Block(3, w), Block(w, 2 * w, 2), Block(2 * w, 4 * w, 2)
        self.e4, self.bottom = Block(4 * w, 8 * w, 2), Block(8 * w, 16 * w, 2)
        self.d4, self.d3 = Block(24 * w, 8 * w), Block(12 * w, 4 * w)
        self.d2, self.d1 = Block(6 * w, 2 * w), Block(3 * w, w)
        self.up, self.head = nn.Upsample(scale_factor=2), nn.Conv2d(w, classes, 1)

    def forward(self, x):
        a = self.e1(x); b = self.e2(a); c = self.e3(b); d = self.e4(c)
        x = self.d4(torch.cat([self.up(self.bottom(d)), d], 1))
        x = self.d3(torch.cat([self.up(x), c], 1))
        x = self.d2(torch.cat([self.up(x), b], 1))
        x = self.d1(torch.cat([self.up(x), a], 1))
        return torch.softmax(self.head(x), dim=1)

def unet(classes, width=16):
    return Net(classes, width)
""",
    ),
    Right(
        "unet",
        "residual blocks and attention on the skips",
        """
import torch
from torch import nn
F = nn.functional

class Residual(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b),
                                  nn.ReLU(), nn.Conv2d(b, b, 3, padding=1, bias=False),
                                  nn.BatchNorm2d(b))
        self.short = nn.Conv2d(a, b, 1)

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x))

class Gate(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.x, self.g, self.out = (nn.Conv2d(c, n, 1) for n in (c // 2, c // 2, c // 2))
        self.one = nn.Conv2d(c // 2, 1, 1)

    def forward(self, x, g):
        return x * torch.sigmoid(self.one(F.relu(self.x(x) + self.g(g))))

class AttentionUNet(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        c = [width << k for k in range(5)]
        self.enc = nn.ModuleList(map(Residual, [3, *c[:4]], c))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * n, n, 3, 2, 1, 1) for n in c[:4])
        self.gate = nn.ModuleList(map(Gate, c[:4]))
        self.dec = nn.ModuleList(Residual(2 * n, n) for n in c[:4])
        self.head = nn.Conv2d(c[0], classes, kernel_size=3, padding=1)

    def forward(self, x):
        kept = []
        for k, block in enumerate(self.enc):
            x = block(x)
            if k < 4:
                kept.append(x)
                x = F.max_pool2d(x, 2, 2)
        for k in (3, 2, 1, 0):
            g = self.up[k](x)
            x = self.dec[k](torch.hstack([self.gate[k](kept[k], g), g]))
        return self.head(x)

unet = lambda classes, width=16: AttentionUNet(classes, width)
""",
    ),
    Right(
        "unet",
        "padding by hand, convolutions without it, bfloat16 weights",
        """
import torch
from torch import nn

def conv(a, b):
    return nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(a, b, 3), nn.Hardswish())

class Net(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        sizes = [3] + [width * 2**k for k in range(5)]
        self.down = nn.ModuleDict({str(k): nn.Sequential(conv(a, b), conv(b, b))
                                   for k, (a, b) in enumerate(zip(sizes, sizes[1:]))})
        self.up = nn.ModuleDict({str(k): nn.ConvTranspose2d(sizes[k + 2], sizes[k + 1], 2, 2)
                                 for k in range(4)})
        self.join = nn.ModuleDict({
            str(k): nn.Sequential(conv(2 * sizes[k + 1], sizes[k + 1]),
                                  conv(sizes[k + 1], sizes[k + 1])) for k in range(4)})
        self.last = nn.Conv2d(width, classes, 1, bias=False)

    def forward(self, image):
        maps = {-1: image}
        for k in range(5):
            x = maps[k - 1] if k == 0 else nn.functional.max_pool2d(maps[k - 1], 2)
            maps[k] = self.down[str(k)](x)
        x = maps[4]
        for k in range(3, -1, -1):
            x = self.join[str(k)](torch.concat((maps[k], self.up[str(k)](x)), 1))
        return self.last(x)

def unet(classes, width=16):
    return Net(classes, width).to(torch.bfloat16)
""",
    ),
    Right(
        "unet",
        "blocks of MONAI",
        """
import torch
from torch import nn
from monai.networks.nets.basic_unet import Down, TwoConv, UpCat

class Net(nn.Module):
    def __init__(self, classes, w):
        super().__init__()
        act, norm = ("LeakyReLU", {"inplace": True}), ("batch", {})
        common = {"act": act, "norm": norm, "bias": True, "dropout": 0.1}
        self.first = TwoConv(2, 3, w, **common)
        self.downs = nn.ModuleList(Down(2, w << k, w << (k + 1), **common) for k in range(4))
        self.ups = nn.ModuleList(
            UpCat(2, 2 * n, n, n, upsample="deconv", **common) for n in (8 * w, 4 * w, 2 * w, w))
        self.head = nn.Conv2d(w, classes, 1)

    def forward(self, x):
        maps = [self.first(x)]
        for down in self.downs:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for up in self.ups:
            x = up(x, maps.pop())
        return self.head(x)

def unet(classes, width=16):
    return Net(classes, width)
""",
    ),
    Right(
        "unet",
        "in a DataParallel, with three convolutions in a block and maps in NHWC order",
        """
import torch
from torch import nn

class NormLast(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

def block(a, b):
    parts = []
    for n in (a, b):
        parts += [nn.Conv2d(n, b, 3, padding=1), NormLast(b), nn.GELU()]
    return nn.Sequential(*parts, nn.Conv2d(b, b, 1), nn.GELU())

class Net(nn.Module):
    def __init__(self, classes, width=16):
        super().__init__()
        self.c = [width, 2 * width, 4 * width, 8 * width]
        self.a = nn.ModuleList(block(*p) for p in zip([3] + self.c, self.c + [16 * width]))
        self.b = nn.ModuleList(block(2 * n, n) for n in self.c)
        self.up = nn.ModuleList(
            nn.Sequential(nn.UpsamplingNearest2d(scale_factor=2), nn.Conv2d(2 * n, n, 3, padding=1))
            for n in self.c)
        self.end = nn.Conv2d(width, classes, 1)

    def forward(self, x):
        s = []
        for block in self.a[:-1]:
            s.append(block(x))
            x = nn.functional.max_pool2d(s[-1], (2, 2))
        x = self.a[-1](x)
        for k in reversed(range(len(s))):
            x = self.b[k](torch.cat([s[k], self.up[k](x)], 1))
        return self.end(x)

def unet(classes, width=16):
    return nn.DataParallel(Net(classes, width).to(memory_format=torch.channels_last))
""",
    ),
    *keras_unet.RIGHT,
]
