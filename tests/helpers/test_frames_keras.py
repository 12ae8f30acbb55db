import keras
import numpy as np
import pytest

from helpers import data
from helpers.augment import STREET, Augment
from helpers.keras.frames import Frames, dataset
from helpers.keras.train import train
from helpers.keras.unet import unet
from helpers.streets import scenes, write

IMAGES, MASKS = scenes(range(5), range(2), height=24, width=32)


class Watched(Frames):
    """Frames that remember which batches of which epoch were asked for."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.asked = set()

    def at(self, epoch, i):
        self.asked.add((epoch, i))
        return super().at(epoch, i)


def tiny():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(13, 3, padding="same"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    model.compile(keras.optimizers.Adam(0.02), loss, jit_compile=False)
    return model


def digests(batches):
    return [np.asarray(x).tobytes() + np.asarray(y).tobytes() for x, y in batches]


def test_a_batch_is_float_images_and_int_masks():
    frames = Frames(IMAGES, MASKS, batch=4, shuffle=False)
    assert len(frames) == 3 and [len(frames[i][0]) for i in range(3)] == [4, 4, 2]
    x, truth = frames[1]
    assert x.dtype == np.float32 and truth.dtype == np.int32
    assert np.array_equal(np.round(x * 255), IMAGES[4:8]) and np.array_equal(truth, MASKS[4:8])


def test_each_epoch_shows_every_pair_once_in_another_order():
    frames = Frames(IMAGES, MASKS, batch=5)
    orders = []
    for epoch in range(3):
        shown = np.concatenate([frames.at(epoch, i)[1] for i in range(2)])
        orders.append([next(i for i, m in enumerate(MASKS) if (m == s).all()) for s in shown])
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("options", [{}, {"workers": 2}])
def test_fit_counts_the_epochs_and_learns(options):
    frames = Watched(IMAGES, MASKS, Augment(flip=0.5, rotate=5), batch=5, **options)
    history = tiny().fit(frames, epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.85 * history[0]
    assert frames.asked == {(epoch, i) for epoch in range(8) for i in range(2)}
    assert frames.epoch == 8


def test_fit_goes_on_where_it_stopped_and_validates_without_change():
    frames = Watched(IMAGES, MASKS, STREET, batch=5)
    still = Watched(IMAGES, MASKS, batch=5, shuffle=False)
    model = tiny()
    model.fit(frames, epochs=2, validation_data=still, verbose=0)
    model.fit(frames, epochs=1, verbose=0)
    assert frames.asked == {(epoch, i) for epoch in range(3) for i in range(2)}
    assert model.evaluate(still, verbose=0) == pytest.approx(model.evaluate(still, verbose=0))


def test_workers_do_not_change_what_is_seen():
    class Seen(keras.layers.Layer):
        def call(self, x):
            return x

    shown = []
    for workers in (1, 3):
        frames = Frames(IMAGES, MASKS, STREET, seed=2, batch=5, workers=workers)
        model = keras.Sequential([keras.Input((24, 32, 3)), Seen()])
        shown.append([model.predict(frames, verbose=0).tobytes() for _ in range(3)])
    assert shown[0] == shown[1]
    assert len(set(shown[0])) == 3, "each pass is another epoch"


def test_a_pipeline_gives_the_same_batches():
    frames = Frames(IMAGES, MASKS, STREET, seed=1, batch=4)
    pipeline = dataset(frames)
    assert pipeline.cardinality() == 3
    expected = [digests(frames.at(epoch, i) for i in range(3)) for epoch in range(2)]
    assert [digests(pipeline) for _ in range(2)] == expected


def test_a_pipeline_feeds_fit():
    frames = Watched(IMAGES, MASKS, Augment(flip=0.5), batch=5)
    history = tiny().fit(dataset(frames), epochs=6, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert {(epoch, i) for epoch in range(6) for i in range(2)} <= frames.asked


def test_pairs_are_read_when_they_are_asked_for(tmp_path):
    pairs = data.find(write(tmp_path, [1], range(3), height=60, width=80))
    x, truth = Frames(pairs, augment=Augment(height=24, width=32))[0]
    assert x.shape == (3, 24, 32, 3) and truth.shape == (3, 24, 32)


def test_images_and_masks_must_be_as_many():
    with pytest.raises(ValueError, match="10 images and 9 masks"):
        Frames(IMAGES, MASKS[:9])


def test_train_takes_an_augment():
    def losses(augment):
        keras.utils.set_random_seed(0)
        model = unet(13, width=4, depth=1)
        history = train(model, IMAGES, MASKS, steps=2, progress=False, augment=augment)
        return [loss for _, loss in history]

    assert losses(STREET) != losses(None)
