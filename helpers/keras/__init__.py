"""The networks of the course in Keras on TensorFlow: the twin of `helpers.pytorch`, N×H×W×C."""

import os

from helpers.quiet import quiet

# All are read once, when Keras and TensorFlow are first imported.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN, on by default only where a processor has AVX-512 VNNI, trains 3 × as fast without it too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with quiet():  # TensorFlow's log level does not hush what is written before it is read
    import keras  # noqa: F401
