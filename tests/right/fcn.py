"""Right FCNs in both frameworks."""

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
    Right(
        "fcn",
        "subclassed, with layers in lists",
        """
class Net(keras.Model):
    def __init__(self, classes, width, stride):
        super().__init__()
        self.blocks = [
            [layers.Conv2D(width * min(2**k, 16), 3, padding="same", activation="gelu"),
             layers.GroupNormalization(2),
             layers.SpatialDropout2D(0.1)]
            for k in range(6)]
        self.levels = [k for k in (5, 4, 3) if 2**k >= stride]
        self.scores = {str(k): layers.Conv2D(classes, 1) for k in self.levels}
        self.pool = layers.AveragePooling2D(2)

    def call(self, x, training=False):
        maps = []
        for k, block in enumerate(self.blocks):
            x = self.pool(x) if k else x
            for layer in block:
                x = layer(x, training=training) if "Dropout" in layer.name else layer(x)
            maps.append(x)
        total = None
        for k in self.levels:
            score = self.scores[str(k)](maps[k])
            if total is not None:
                total = keras.ops.repeat(keras.ops.repeat(total, 2, 1), 2, 2) + score
            else:
                total = score
        for _ in range(self.levels[-1]):
            total = keras.ops.repeat(keras.ops.repeat(total, 2, axis=1), 2, axis=2)
        return total

fcn = Net
""",
        "keras",
    ),
    Right(
        "fcn",
        "strided separable convolutions, transposed without padding",
        """
def fcn(classes, width, stride):
    image = keras.Input((None, None, 3))
    x, maps = image, {}
    for k, times in enumerate((1, 2, 4, 8, 16, 16)):
        x = layers.SeparableConv2D(times * width, 3, strides=1 if k == 0 else 2,
                                   padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = maps[2**k] = layers.LeakyReLU()(x)
    scores = layers.Conv2D(classes, (1, 1), kernel_initializer="zeros")(x)
    at = 32
    while at != stride:
        at //= 2
        scores = layers.Conv2DTranspose(classes, 2, strides=2)(scores)
        scores = layers.add([layers.Conv2D(classes, 1)(maps[at]), scores])
    scores = layers.Conv2DTranspose(classes, stride, strides=stride, use_bias=False)(scores)
    return keras.Model(inputs=image, outputs=scores, name=f"fcn{stride}")
""",
        "keras",
    ),
    Right(
        "fcn",
        "a Sequential of blocks, bilinear resizing, activity in a layer of its own",
        """
class Block(layers.Layer):
    def __init__(self, maps, first):
        super().__init__()
        self.body = keras.Sequential([
            layers.ZeroPadding2D(1),
            layers.Conv2D(maps, 3, padding="valid"),
            layers.LayerNormalization(axis=-1),
            layers.PReLU(shared_axes=[1, 2]),
        ])
        self.pool = layers.Identity() if first else layers.MaxPooling2D(3, 2, "same")

    def call(self, x):
        return self.body(self.pool(x))

def fcn(classes, width, stride):
    x = image = layers.Input((None, None, 3))
    maps = [x := Block(width * min(2**k, 16), k == 0)(x) for k in range(6)]
    total = layers.Conv2D(classes, 1)(maps.pop())
    for finer in (16, 8):
        level = maps.pop()
        if finer >= stride:
            total = layers.UpSampling2D(2, interpolation="bilinear")(total)
            total = total + layers.Conv2D(classes, 1)(level)
    return keras.Model(image, layers.UpSampling2D(stride, interpolation="bilinear")(total))
""",
        "keras",
    ),
    Right(
        "fcn",
        "stride 32 is a plain Sequential; mixed precision",
        """
keras.mixed_precision.set_global_policy("mixed_float16")

def encoder(width):
    for k in range(6):
        if k:
            yield layers.MaxPool2D()
        yield layers.Conv2D(width * min(2**k, 16), 3, padding="same", activation="relu")

def fcn(classes, width, stride):
    if stride == 32:
        return keras.Sequential([layers.Input((None, None, 3)), *encoder(width),
                                 layers.Conv2D(classes, 1), layers.UpSampling2D(32)])
    x = image = layers.Input((None, None, 3))
    blocks = []
    for layer in encoder(width):
        x = layer(x)
        blocks += [x] if isinstance(layer, layers.Conv2D) else []
    total = layers.Conv2D(classes, 1)(x)
    for k in (4, 3):
        if 2**k >= stride:
            score = layers.Conv2D(classes, 1)(blocks[k])
            total = layers.Add()([layers.UpSampling2D()(total), score])
    return keras.Model(image, layers.UpSampling2D(stride)(total))
""",
        "keras",
    ),
    Right(
        "fcn",
        "residual blocks as in keras.applications",
        """
def block(x, filters, stride):
    shortcut = layers.Conv2D(filters, 1, strides=stride)(x)
    shortcut = layers.BatchNormalization(epsilon=1.001e-5)(shortcut)
    for step in (stride, 1):
        x = layers.Conv2D(filters, 3, strides=step, padding="SAME")(x)
        x = layers.BatchNormalization(epsilon=1.001e-5)(x)
        x = layers.Activation("relu")(x) if step == stride != 1 else x
    return layers.Activation("silu")(layers.Add()([shortcut, x]))

def fcn(classes, width, stride):
    image = layers.Input((None, None, 3))
    maps = [block(layers.Rescaling(2.0, offset=-1.0)(image), width, 1)]
    for k in range(1, 6):
        maps.append(block(maps[-1], width * min(2**k, 16), 2))
    total = layers.Dense(classes)(maps[5])
    for k in [4, 3][: {32: 0, 16: 1, 8: 2}[stride]]:
        total = layers.Conv2DTranspose(classes, 4, strides=2, padding="same")(total)
        total = layers.Add()([layers.Dense(classes)(maps[k]), total])
    return keras.Model(image, layers.Conv2DTranspose(
        classes, 2 * stride, strides=stride, padding="same", dtype="float32")(total))
""",
        "keras",
    ),
]
