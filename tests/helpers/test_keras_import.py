"""What `helpers.keras` sets before TensorFlow is imported."""

import os
import subprocess
import sys

import pytest

CODE = """
import helpers.keras
from tensorflow.python.util import _pywrap_util_port
print(_pywrap_util_port.IsMklEnabled())
"""


@pytest.mark.parametrize(("chosen", "on"), [(None, "True"), ("1", "True"), ("0", "False")])
def test_onednn_is_on_with_every_processor_unless_the_user_chose(chosen, on):
    pytest.importorskip("keras", reason="Keras is not installed")
    variables = dict(os.environ)
    variables.pop("TF_ENABLE_ONEDNN_OPTS", None)
    if chosen is not None:
        variables["TF_ENABLE_ONEDNN_OPTS"] = chosen
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == on
