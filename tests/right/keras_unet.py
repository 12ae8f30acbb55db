"""Right U-Nets in Keras."""

from tests.right.answer import Right

RIGHT = [
    Right(
        "unet",
        "subclassed, nearest up-sampling",
        """
import keras
from keras import layers, ops

class Block(layers.Layer):
    def __init__(self, maps, **more):
        super().__init__(**more)
        self.steps = [layers.Conv2D(maps, 3, padding="same", activation="relu"),
                      layers.Dropout(0.2),
                      layers.Conv2D(maps, 3, padding="same", activation="relu")]

    def call(self, x, training=None):
        for step in self.steps:
            x = step(x)
        return x

class UNet(keras.Model):
    def __init__(self, classes, width=16):
        super().__init__()
        self.down = [Block(width * 2**k) for k in range(5)]
        self.up = [layers.Conv2D(width * 2**k, 2, padding="same") for k in range(4)]
        self.merge = [Block(width * 2**k) for k in range(4)]
        self.pool, self.large = layers.MaxPooling2D(), layers.UpSampling2D()
        self.head = layers.Conv2D(classes, 1, activation="softmax")

    def call(self, x, training=None):
        maps = []
        for k, block in enumerate(self.down):
            maps.append(block(self.pool(maps[-1]) if k else x, training=training))
        x = maps[4]
        for k in (3, 2, 1, 0):
            x = ops.concatenate([maps[k], self.up[k](self.large(x))], axis=-1)
            x = self.merge[k](x, training=training)
        return self.head(x)

def unet(classes, width=16):
    return UNet(classes, width)
""",
        "keras",
    ),
    Right(
        "unet",
        "functional, mixed precision with a last layer in float32",
        """
import keras
from keras import layers as L
keras.mixed_precision.set_global_policy("mixed_float16")

def conv(x, n):
    x = L.Conv2D(n, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    return L.Activation("relu")(L.BatchNormalization(momentum=0.9)(x))

def unet(classes, width=16):
    image = L.Input((None, None, 3), name="picture")
    x, stack, n = image, [], width
    while len(stack) < 4:
        x = conv(conv(x, n), n)
        stack.append((n, x))
        x, n = L.MaxPool2D((2, 2))(x), n * 2
    x = L.SpatialDropout2D(0.3)(conv(conv(x, n), n))
    while stack:
        n, skip = stack.pop()
        x = L.Conv2DTranspose(n, 3, strides=2, padding="same")(x)
        x = conv(conv(L.concatenate([x, skip]), n), n)
    return keras.Model(image, L.Conv2D(classes, 1, dtype="float32")(x))
""",
        "keras",
    ),
    Right(
        "unet",
        "recursive, bilinear, residual, strided convolutions",
        """
import keras
from keras import layers as L

def residual(x, n):
    y = L.GroupNormalization(groups=1)(L.Conv2D(n, 3, padding="same")(x))
    y = L.Conv2D(n, 3, padding="same")(L.PReLU(shared_axes=[1, 2])(y))
    return L.PReLU(shared_axes=[1, 2])(y + L.Conv2D(n, 1)(x))

def level(x, n, depth):
    x = residual(x, n)
    if depth == 0:
        return x
    below = level(L.Conv2D(2 * n, 2, strides=2)(x), 2 * n, depth - 1)
    below = L.Conv2D(n, 1)(L.UpSampling2D(2, interpolation="bilinear")(below))
    return residual(L.Concatenate(axis=3)([below, x]), n)

def unet(classes, width=16):
    inputs = keras.Input(shape=(None, None, 3))
    outputs = L.Dense(classes)(level(L.Rescaling(1 / 0.25, -2.0)(inputs), width, 4))
    return keras.Model(inputs=inputs, outputs=outputs)
""",
        "keras",
    ),
    Right(
        "unet",
        "Sequential parts, noise on the image, edges padded by hand",
        """
import keras
from keras import layers

def double(n):
    parts = []
    for _ in range(2):
        parts += [layers.ZeroPadding2D(), layers.Conv2D(n, 3), layers.LayerNormalization(),
                  layers.Activation("swish")]
    return keras.Sequential(parts)

def unet(classes, width=16):
    image = keras.layers.Input((None, None, 3))
    x = layers.GaussianNoise(0.02)(image)
    skips = [double(width)(x)]
    for k in range(1, 5):
        skips.append(double(width * 2**k)(layers.AveragePooling2D(2)(skips[-1])))
    x = skips.pop()
    while skips:
        skip = skips.pop()
        maps = skip.shape[-1]
        up = keras.Sequential([layers.UpSampling2D(2), layers.Conv2D(maps, 1)])
        x = double(maps)(layers.Concatenate()([up(x), skip]))
    return keras.Model(image, keras.Sequential([layers.Conv2D(classes, 1), layers.Softmax()])(x))
""",
        "keras",
    ),
    Right(
        "unet",
        "augments and standardizes inside the network, convolutions in groups, CELU",
        """
import keras
from keras import layers as L

def double(x, n):
    for groups in (1, 2):
        x = L.Conv2D(n, 3, padding="same", activation="celu", groups=groups)(x)
    return x

def unet(classes, width=16):
    image = keras.Input((None, None, 3))
    x = L.RandomContrast(0.3)(L.RandomFlip("horizontal")(image))
    x = L.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.0524, 0.0502, 0.0506])(x)
    skips = []
    for k in range(4):
        x = double(x, width << k)
        skips.append(x)
        x = L.MaxPooling2D()(x)
    x = double(x, width << 4)
    for k in (3, 2, 1, 0):
        x = L.Conv2DTranspose(width << k, 2, 2)(x)
        x = double(L.Concatenate()([x, skips[k]]), width << k)
    return keras.Model(image, L.Conv2D(classes, 1)(x))
""",
        "keras",
    ),
]
