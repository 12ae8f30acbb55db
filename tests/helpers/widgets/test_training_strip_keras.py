"""A Keras callback feeds the strip."""

import keras
import numpy as np

from helpers.keras.predict import predict_masks
from helpers.widgets.training_strip import training_strip


def test_a_lambda_callback_is_enough(monkeypatch, capsys):
    monkeypatch.setenv("PIXELWISE_WIDGETS", "text")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 8, 8, 3), np.uint8)
    truth = np.uint8(images[..., 0] > 127)
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(13, 1)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    strip = training_strip(images[0], truth[0])
    feed = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: strip.add(
            epoch + 1, predict_masks(model, images[:1])[0], loss=logs["loss"]
        )
    )
    history = model.fit(images / np.float32(255), truth, epochs=3, callbacks=[feed], verbose=0)
    assert [row["epoch"] for row in strip.epochs] == [1, 2, 3]
    assert [row["loss"] for row in strip.epochs] == history.history["loss"]
    assert capsys.readouterr().out.count("mean IoU") == 3
