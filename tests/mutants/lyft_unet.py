"""Mistakes in assignment 4: labels, pairs, the architecture of the U-Net, its loss.

The mistakes of a trained model are in models.py.
"""

from functools import partial

from tests.mutants.judged import Mutant

KERAS = partial(Mutant, framework="keras")

FUNCTIONS = [
    Mutant("prepare_label", "label[:, :, 0]", "label[:, :, 2]", "blue channel"),
    KERAS("prepare_label", "Image.NEAREST", "Image.BILINEAR", "mixes ids", 5),
    Mutant("prepare_label", "    lower[lower == 10] = 0\n", "", "the hood is still there"),
    KERAS("prepare_label", "496 * len(mask) // 600", "496", "row 496 of 600|496 . H"),
    Mutant("prepare_label", "(width, height)", "(height, width)", "shape|exchanged"),
    KERAS("prepare_label", "lower[lower == 10] = 0", "lower[:] = 0", "everything in rows 496"),
    Mutant("one_hot", "np.arange(classes)", "np.arange(1, classes + 1)",
           "map 0 is that of class 0"),
    KERAS("one_hot", "np.arange(classes)", "np.unique(mask[mask < 255])",
          "depends on the ids in this mask"),
    Mutant("one_hot", "(mask[..., None] == np.arange(classes))",
           "(np.where(mask == 255, 0, mask)[..., None] == np.arange(classes))",
           r"\(255\) count for class 0", 3),
    KERAS("one_hot", "(mask[..., None] == np.arange(classes))",
          "(mask[None] == np.arange(classes)[:, None, None])", "class axis comes first"),
    KERAS("one_hot", "(mask[..., None] == np.arange(classes))",
          "(np.minimum(mask, classes - 1)[..., None] == np.arange(classes))",
          r"\(255\) count for the last class", 3),
    Mutant("crop_flip", "image, mask = image[:, ::-1], mask[:, ::-1]", "image = image[:, ::-1]",
           "its mask is not", 2),
    KERAS("crop_flip", "image, mask = image[:, ::-1], mask[:, ::-1]",
          "image, mask = image[::-1], mask[::-1]", "upside down", 2),
    Mutant("crop_flip", "mask = mask[top : top + height, left : left + width]",
           "mask = mask[:height, :width]", "crop of the mask lies elsewhere"),
    KERAS("crop_flip", """    image = image[top : top + height, left : left + width]
    mask = mask[top : top + height, left : left + width]
""", """    top, left = left, top
    image = image[top : top + height, left : left + width]
    mask = mask[top : top + height, left : left + width]
""", "top and left are exchanged"),
    Mutant("crop_flip", "if flip:", "if not flip:", "although flip is False"),
    Mutant("iou", "truth != 255", "truth < 256", r"ignored pixels \(255 in the truth\)", 8),
    KERAS("iou", "(t | p).sum()", "t.sum() + p.sum()", "overlap counts twice"),
    Mutant("iou", "np.full(classes, np.nan)", "np.zeros(classes)", "IoU 0: it must be nan", 7),
    KERAS("iou", "np.full(classes, np.nan)", "np.ones(classes)", "IoU 1: it must be nan", 7),
    Mutant("iou", "(t & p).sum() / union", "2 * (t & p).sum() / (t.sum() + p.sum())",
           "that is Dice"),
    KERAS("iou", "(t | p).sum()", "t.sum()", "that is recall"),
    Mutant("iou", "(t | p).sum()", "p.sum()", "that is precision"),
    KERAS("iou", "& counted, (prediction == k) & counted", "& counted, prediction == k",
          r"255|ignored", 8),
    KERAS("iou", "    return values", "    return np.nanmean(values)", "One per class"),
]  # fmt: skip

P = "torch.softmax(logits, 1)"
SUMS = "(p * y).sum((0, 2, 3)), (p + y).sum((0, 2, 3))"
TORCH_DICE = "return 1 - ((2 * overlap + 1) / (areas + 1)).mean()"
KERAS_P = "keras.ops.softmax(logits, -1)"
KERAS_DICE = "return 1 - keras.ops.mean((2 * overlap + 1) / (areas + 1))"

LOSSES = [
    Mutant("soft_dice", TORCH_DICE, TORCH_DICE.replace("2 * ", ""), "the 2 before the overlap"),
    Mutant("soft_dice", P, "logits", "the softmax is missing"),
    Mutant("soft_dice", P, "torch.softmax(logits, 2)", "wrong axis|over the classes"),
    Mutant("soft_dice", P, f"torch.softmax({P}, 1)", "softmax is taken twice"),
    Mutant("soft_dice", P, "torch.sigmoid(logits)", "sigmoid instead of softmax"),
    Mutant("soft_dice", SUMS, "(p * y).sum(), (p + y).sum()", "one Dice over all classes"),
    Mutant("soft_dice", SUMS, "(p * y).sum((2, 3)), (p + y).sum((2, 3))", "per image"),
    Mutant("soft_dice", TORCH_DICE, TORCH_DICE.replace("1 - ", ""), "that is Dice itself"),
    Mutant("soft_dice", P, P + ".detach()", "does not depend on the logits|ValueError"),
    KERAS("soft_dice", KERAS_P, "logits", "the softmax is missing"),
    KERAS("soft_dice", KERAS_DICE, KERAS_DICE.replace("2 * ", ""), "the 2 before the overlap"),
    KERAS("soft_dice", KERAS_P, "keras.ops.softmax(logits, 1)", "wrong axis|over the classes"),
    KERAS("soft_dice", "keras.ops.sum(p * y, (0, 1, 2)), keras.ops.sum(p + y, (0, 1, 2))",
          "keras.ops.sum(p * y, (1, 2)), keras.ops.sum(p + y, (1, 2))", "per image"),
    KERAS("soft_dice", KERAS_DICE, KERAS_DICE.replace(" + 1)", ")"), "the 1 that is added"),
    KERAS("soft_dice", KERAS_DICE, "return 1 - keras.ops.sum((2 * overlap + 1) / (areas + 1))",
          "take its mean"),
]  # fmt: skip

CAT = "torch.cat([skips[level], self.up[level](x)], 1)"
MERGE = CAT + "\n                x = self.merge[level](x)"
DOWN = """                x = down(x)
                if level < 4:
                    skips.append(x)
                    x = nn.functional.max_pool2d(x, 2)"""

UNET_PYTORCH = [
    Mutant("unet", CAT, "torch.cat([self.up[level](x), self.up[level](x)], 1)",
           "no skip connection at 96×128, 48×64, 24×32, 12×16", 12.5),
    Mutant("unet", MERGE, "skips[level] + self.up[level](x)\n"
           "                x = self.merge[level](torch.cat([x, x], 1))",
           "added and not concatenated", 12.5),
    Mutant("unet", CAT, "torch.cat([skips[level] * float(level < 3), self.up[level](x)], 1)",
           "no skip connection at 12×16", 12.5),
    Mutant("unet", DOWN, """                if level:
                    x = nn.functional.max_pool2d(x, 2)
                if level < 4:
                    skips.append(x.repeat(1, 2, 1, 1) if level else x.repeat(1, 9, 1, 1)
                                 [:, : self.head.in_channels])
                x = down(x)""", "come from no convolution of that size", 12.5),
    Mutant("unet", CAT, "torch.cat([nn.functional.interpolate(skips[0].repeat("
           "1, 2**level, 1, 1), skips[level].shape[2:]), self.up[level](x)], 1)",
           "come from no convolution of that size", 12.5),
    Mutant("unet", "nn.Conv2d(width, classes, 1)", "nn.Conv2d(width, 13, 1)", "it gives 13", 15),
    Mutant("unet", "nn.Conv2d(width, classes, 1)", "nn.Conv2d(width, classes + 1, 1)",
           "instead of", 15),
    Mutant("unet", "return self.head(x)", "return self.head(x).argmax(1)",
           "Leave argmax out of the network"),
    Mutant("unet", "return self.head(x)",
           "return nn.functional.interpolate(self.head(x), size=(96, 128))", "instead of", 15),
    Mutant("unet", "return self.head(x)", "return nn.functional.max_pool2d(self.head(x), 2)",
           "instead of", 15),
    Mutant("unet", "width * 2**level for level in range(5)", "width for level in range(5)",
           "stops|are asked for"),
    Mutant("unet", "width * 2**level for level in range(5)",
           "width * 3**level for level in range(5)", "stops|are asked for"),
    Mutant("unet", "return UNet(classes, width)", "return UNet(classes, 16)",
           "are asked for", 12.5),
    Mutant("unet", "return self.head(x)",
           "return self.head(x) + (x.flatten(1) @ torch.ones(x[0].numel(), 1))[..., None, None]",
           "dense layer", 17.5),
    Mutant("unet", DOWN, DOWN.replace("max_pool2d(x, 2)", "max_pool2d(x, 3, 1, 1)")
           + "\n            x = nn.functional.max_pool2d(x, 16)", "resolutions|stops"),
    Mutant("unet", "            skips = []", "            skips, x = [], torch.rand_like(x)",
           "draw random numbers"),
    Mutant("unet", "self.merge[level](x)", "self.merge[0](x[:, : 2 * self.head.in_channels])",
           "stops|are asked for"),
]  # fmt: skip

KERAS_CAT = "layers.Concatenate()([skips[level], x])"
CONV = 'layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)'
HEAD = "layers.Conv2D(classes, 1)(x))"

UNET_KERAS = [
    KERAS("unet", "for level in range(4):\n        x = block", "for level in range(3):\n"
          "        x = block", "resolutions|stops"),
    KERAS("unet", CONV, CONV.replace("same", "valid"), "stops|resolutions"),
    KERAS("unet", KERAS_CAT, "layers.Add()([skips[level], x])", "added and not concatenated", 12.5),
    KERAS("unet", KERAS_CAT, "x", "no skip connection at 96×128, 48×64, 24×32, 12×16", 12.5),
    KERAS("unet", KERAS_CAT, "x if level == 2 else " + KERAS_CAT,
          "no skip connection at 24×32", 12.5),
    KERAS("unet", KERAS_CAT, "layers.Concatenate()([layers.MaxPooling2D()(skips[level - 1]) "
          "if level else skips[0], x])", "come from no convolution of that size", 12.5),
    KERAS("unet", KERAS_CAT, "layers.Concatenate()([layers.UpSampling2D()(skips[level + 1]) "
          "if level < 3 else skips[3], x])", "no skip connection at", 12.5),
    KERAS("unet", "layers.Input((None, None, 3))", "layers.Input((96, 128, 3))",
          r"for \d+×\d+ images", 15),
    KERAS("unet", HEAD, "layers.Conv2D(13, 1)(x))", "classes it gives", 15),
    KERAS("unet", HEAD, "keras.ops.argmax(layers.Conv2D(classes, 1)(x), -1, keepdims=True))",
          "Leave argmax out of the network"),
    KERAS("unet", HEAD, "layers.Conv2D(classes, 1)(layers.UpSampling2D()(x)))", "instead of", 15),
    KERAS("unet", "x = block(x, width * 2**level)", "x = block(x, width * (level + 1))",
          "are asked for", 15),
    KERAS("unet", "x = block(x, width * 16)", "x = block(layers.MaxPooling2D()(x), width * 16)\n"
          "    x = layers.UpSampling2D()(x)", "resolutions", 10),
    KERAS("unet", "    x = block(x, width * 16)\n", "", "resolutions|parameters", 15),
    KERAS("unet", "layers.Conv2DTranspose(width * 2**level, 2, strides=2)(x)",
          "layers.Conv2DTranspose(width * 2**level, 3, strides=2)(x)", "stops"),
    KERAS("unet", "for level in reversed(range(4)):\n        x = layers",
          "for level in range(4):\n        x = layers", "stops"),
    KERAS("unet", "x = block(x, width * 2**level)", "x = block(x, 16 * 2**level)",
          "are asked for", 15),
]  # fmt: skip

MUTANTS = FUNCTIONS + LOSSES + UNET_PYTORCH + UNET_KERAS
