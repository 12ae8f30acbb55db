"""Right FCNs in Keras."""

from tests.right.answer import Right

RIGHT = [
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
