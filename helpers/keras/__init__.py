"""The networks of the course in Keras on TensorFlow: the twin of `helpers.pytorch`, N×H×W×C."""

import os

from helpers.quiet import quiet

# Both are read once, when Keras and TensorFlow are first imported.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with quiet():  # TensorFlow's log level does not hush what is written before it is read
    import keras  # noqa: F401
