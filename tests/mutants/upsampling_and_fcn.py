"""Mistakes in assignment 2: sizes, places, and what makes an FCN one."""

from functools import partial

from tests.mutants.judged import Mutant

KERAS = partial(Mutant, framework="keras")

SIZES = [
    Mutant("output_sizes", "size + 2 * layer", "size + layer", "both ends get it", 2.4),
    KERAS("output_sizes", "reach - 1) //", "reach) //", "one pixel too short"),
    Mutant("output_sizes", '// layer["stride"] + 1', '// layer["stride"]', "the . 1 is missing"),
    KERAS("output_sizes", 'size + 2 * layer["padding"] -', "size -", "the padding is left out"),
    Mutant("output_sizes", '- 2 * layer["padding"] + reach + 1', "+ reach + 1",
           "padding of a transposed convolution is left out", 5.6),
    KERAS("output_sizes", '(size - 1) * layer["stride"]', 'size * layer["stride"]', "size − 1",
          5.6),
    Mutant("output_sizes", 'layer["dilation"] * (layer["kernel"] - 1)', 'layer["kernel"] - 1',
           "the dilation is left out", 5.6),
    KERAS("output_sizes", "- reach - 1) //", "- reach - 1 + layer['stride'] - 1) //",
          "rounded up"),
    KERAS("output_sizes", 'if layer["kind"] == "transposed":', "if False:",
          "counted like a convolution", 5.6),
    Mutant("receptive_field", "size += reach * jump", "size += reach", "the jump is left out"),
    KERAS("receptive_field", "jump *= layer", "jump += layer", "it is their product"),
    Mutant("receptive_field", '- layer["padding"]) * jump', ") * jump", "ignores the padding"),
    KERAS("receptive_field", 'layer["dilation"] * (layer["kernel"] - 1)', 'layer["kernel"] - 1',
          "the dilation is left out", 4),
    Mutant("receptive_field", """        size += reach * jump
        start += (reach / 2 - layer["padding"]) * jump
        jump *= layer["stride"]""", """        jump *= layer["stride"]
        size += reach * jump
        start += (reach / 2 - layer["padding"]) * jump""", "counts too early"),
    KERAS("receptive_field", "(reach / 2 -", "(reach // 2 -", "rounded", 6),
    Mutant("receptive_field", "return size, jump, start", "return size, jump, start + 0.5",
           "corner of the first pixel"),
]  # fmt: skip

MAPS = [
    Mutant("unpool", "out[::factor, ::factor] = maps",
           "out[factor - 1 :: factor, factor - 1 :: factor] = maps", "lower right corner", 4.8),
    KERAS("unpool", "out[::factor, ::factor] = maps",
          "out[:] = maps.repeat(factor, 0).repeat(factor, 1)", "every pixel of a block", 4.8),
    Mutant("unpool", "np.divmod(places, factor * width)", "np.divmod(places, width)",
           "IndexError.*out of bounds|IndexError", 3.2),
    KERAS("unpool", "out[rows, columns, np.arange(channels)] = maps",
          "out[rows[..., :1], columns[..., :1], np.arange(channels)] = maps",
          "places of channel 0", 3.2),
    Mutant("unpool", "if places is None", "if True", "the places are not used", 3.2),
    Mutant("transposed_conv", "+ m] += copy", "+ m] = copy", "the last one wins", 1.4),
    KERAS("transposed_conv", "kernel, (0, 2))", "kernel[::-1, ::-1], (0, 2))", "turned round"),
    Mutant("transposed_conv", "kernel, (0, 2))", "kernel.swapaxes(2, 3), (0, 2))",
           "in and those that come out are exchanged|your code stops", 4.2),
    KERAS("transposed_conv", "kernel, (0, 2))", "kernel.swapaxes(0, 1), (0, 2))",
          "rows and columns of the kernel|your code stops"),
    KERAS("transposed_conv",
          "return out[padding : len(out) - padding, padding : out.shape[1] - padding]",
          "return np.pad(out, ((padding, padding), (padding, padding), (0, 0)))",
          "adds zeros around", 9.8),
    Mutant("transposed_conv",
           "return out[padding : len(out) - padding, padding : out.shape[1] - padding]",
           "return out[padding:, padding:]", "top and left only", 9.8),
    Mutant("transposed_conv", "(width - 1) * stride + m, outputs", "width * stride, outputs",
           "your code stops|cut to stride"),
    Mutant("overlaps", "+ kernel] += 1", "+ kernel] = 1", "count how many", 1.2),
    KERAS("overlaps", "return counts[padding : len(counts) - padding]", "return counts",
          "padding is not cut off", 4.2),
    Mutant("overlaps", "counts[padding : len(counts) - padding]", "counts[padding:]",
           "at one end only", 4.2),
    KERAS("overlaps", "place * stride : place * stride + kernel", "place : place + kernel",
          "begin one place apart"),
    Mutant("overlaps", "np.zeros((size - 1) * stride + kernel, int)",
           "np.zeros(size * stride, int)", "cut to size · stride"),
    Mutant("bilinear_kernel", "2 * factor - factor % 2", "2 * factor", "odd factor", 4),
    KERAS("bilinear_kernel", "2 * factor - factor % 2", "2 * factor - 1", "even factor", 3),
    Mutant("bilinear_kernel", "1 - np.abs(np.arange(side) - (side - 1) / 2) / factor",
           "np.ones(side)", "nearest"),
    KERAS("bilinear_kernel", "(side - 1) / 2", "side / 2", "0.5 off the centre"),
    Mutant("bilinear_kernel", "(side - 1) / 2", "side // 2", "centre", 3),
    KERAS("bilinear_kernel", "1 - np.abs(np.arange(side) - (side - 1) / 2) / factor",
          "1 - np.abs(np.linspace(-1, 1, side))", "align_corners"),
    Mutant("bilinear_kernel", "* np.eye(maps)", "* np.ones((maps, maps))",
           "every map leads to every map", 7),
    KERAS("bilinear_kernel", "np.outer(weights, weights)",
          "(np.outer(weights, weights) / weights.sum() ** 2)", "sum to 1"),
    Mutant("dense_as_conv", "reshape(height, width, maps.shape[2], -1)",
           "reshape(maps.shape[2], height, width, -1).transpose(1, 2, 0, 3)",
           "channel as the slowest"),
    KERAS("dense_as_conv", " + bias", "", "the bias is missing"),
    Mutant("dense_as_conv", """len(bias))) + bias
    for r in range(height):
        for c in range(width):
            out +=""", """len(bias)))
    for r in range(height):
        for c in range(width):
            out += bias +""", "once for each pixel"),
    KERAS("dense_as_conv", "kernel[r, c]", "kernel[height - 1 - r, width - 1 - c]",
          "turned round"),
    Mutant("dense_as_conv", "    return out", "    return np.maximum(out, 0)", "ReLU"),
    KERAS("dense_as_conv", "    return out", "    return out[:1, :1]",
          "there is one for each place", 3.6),
]  # fmt: skip

END = "return self.larger(total, 2 ** self.scored[-1])"
SUM = "self.larger(total, 2) + score(maps[k])"
LOOP = """            total = self.scores[0](x)
            for k, score in zip(self.scored[1:], self.scores[1:]):
                total = self.larger(total, 2) + score(maps[k])
            return self.larger(total, 2 ** self.scored[-1])"""
SCORES = "self.scores = nn.ModuleList(nn.Conv2d(widths[k], classes, 1) for k in self.scored)"
AFTER_SCORES = """

        def forward(self, x):
            maps = []
            for k, block in enumerate(self.blocks):
                x = block(x if k == 0 else nn.functional.max_pool2d(x, 2))
                maps.append(x)
"""

FCN_PYTORCH = [
    Mutant("fcn", SUM, "self.larger(total, 2)", "no sum of scores at", 15),
    Mutant("fcn", SUM, "torch.cat([self.larger(total, 2), score(maps[k])], 1)",
           "concatenated at .*: scores are added", 10),
    Mutant("fcn", SCORES + AFTER_SCORES + LOOP,
           SCORES.replace("widths[k]", "widths[k - (k < 5)]") + AFTER_SCORES
           + LOOP.replace("maps[k]", "nn.functional.max_pool2d(maps[k - 1], 2)"),
           "come from the wrong level", 15),
    Mutant("fcn", LOOP, """            total = self.larger(self.scores[0](x), 32)
            for k, score in zip(self.scored[1:], self.scores[1:]):
                total = total + self.larger(score(maps[k]), 2**k)
            return total""", "bring the coarser scores to that size", 15),
    Mutant("fcn", "(5, 4, 3)", "(5, 3, 4)", "must match the size", 15),
    Mutant("fcn", "(5, 4, 3)", "(5, 4)", "no sum of scores at", 20),
    Mutant("fcn", " if 2**k >= stride", "", "with stride 16, only at", 17.5),
    Mutant("fcn", "if 2**k >= stride", "if 2**k > stride / 4", "with stride 32, nowhere", 17.5),
    Mutant("fcn", END, END + ".softmax(1)", "activation, Softmax", 22.5),
    Mutant("fcn", END, END + ".argmax(1)", "Leave argmax out of the network"),
    Mutant("fcn", END, "return total", "instead of", 20),
    Mutant("fcn", END,
           "return nn.functional.interpolate(total, size=(96, 128), mode='bilinear')",
           "instead of", 20),
    Mutant("fcn", SUM, "self.larger(total, 2) + score(maps[k]).relu()", "activation, Relu", 22.5),
    Mutant("fcn", "block(x if k == 0 else nn", "block(x if k < 2 else nn", "5 halvings give", 2.5),
    Mutant("fcn", "x if k == 0 else nn", "nn", "5 halvings give", 2.5),
    Mutant("fcn", "nn.Conv2d(widths[k], classes, 1)", "nn.Conv2d(widths[k], 13, 1)",
           "it gives 13×", 7.5),
    Mutant("fcn", "widths = [width *", "widths = [8 *", "are asked for", 20),
    Mutant("fcn", "[width * min(2**k, 16)", "[width * 2**k", "are asked for", 20),
    Mutant("fcn", "nn.Conv2d(before, after, 3, padding=1, bias=False)",
           "nn.Conv2d(before, after, 3, bias=False)", "input size|stops"),
    Mutant("fcn", "            maps = []\n", "            maps, x = [], torch.zeros_like(x)\n",
           "nothing of the image"),
    Mutant("fcn", "score(maps[k])", "0 * score(maps[k])", "no sum of scores at", 15),
]  # fmt: skip

POOL = "layers.MaxPooling2D()(x), width * min(2**k, 16))"
KERAS_ADD = "total = layers.Add()([larger(total, classes, 2), score])"
KERAS_END = "keras.Model(inputs, larger(total, classes, 2 ** scored[-1]))"

FCN_KERAS = [
    KERAS("fcn", KERAS_ADD, "total = larger(total, classes, 2)", "no sum of scores at", 15),
    KERAS("fcn", KERAS_ADD, "total = layers.Conv2D(classes, 1)("
          "layers.Concatenate()([larger(total, classes, 2), score]))",
          "concatenated at .*: scores are added", 15),
    KERAS("fcn", "layers.Conv2D(classes, 1)(maps[k])",
          "layers.Conv2D(classes, 1)(layers.MaxPooling2D()(maps[k - 1]))",
          "come from the wrong level", 15),
    KERAS("fcn", "score = layers.Conv2D(classes, 1)(maps[k])", "score = layers.Conv2D(classes, 1)"
          "(layers.UpSampling2D()(maps[k + 1]))", "no sum of scores", 15),
    KERAS("fcn", KERAS_END,
          "keras.Model(inputs, layers.Softmax()(larger(total, classes, 2 ** scored[-1])))",
          "activation, Softmax", 22.5),
    KERAS("fcn", "layers.Conv2DTranspose(classes, 2 * factor, strides=factor, padding=\"same\")",
          "layers.Conv2DTranspose(classes, 2 * factor, strides=2, padding=\"same\")",
          "instead of", 20),
    KERAS("fcn", "layers.Input((None, None, 3))", "layers.Input((96, 128, 3))",
          r"for \d+×\d+ images", 20),
    KERAS("fcn", "for k in range(6):", "for k in range(5):", "5 halvings give", 2.5),
    KERAS("fcn", POOL, "layers.MaxPooling2D()(x), width * (k + 1))", "are asked for", 20),
    KERAS("fcn", POOL, "layers.MaxPooling2D()(x), 16 * min(2**k, 16))", "are asked for", 20),
    KERAS("fcn", 'layers.Conv2D(channels, 3, padding="same", use_bias=False)',
          'layers.Conv2D(channels, 3, padding="valid", use_bias=False)',
          "stops"),
    KERAS("fcn", KERAS_END, "keras.Model(inputs, total)", "instead of", 20),
    KERAS("fcn", "inputs = x = layers.Input((None, None, 3))",
          "inputs = layers.Input((None, None, 3))\n    x = 0 * inputs",
          "nothing of the image|inputs"),
]  # fmt: skip

MUTANTS = SIZES + MAPS + FCN_PYTORCH + FCN_KERAS
