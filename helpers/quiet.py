"""Hides what libraries write to the standard error about their own affairs."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing reaches the standard error inside, from C++ neither; exceptions do."""
    disabled = logging.root.manager.disable
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 2)
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            sys.stderr.flush()
            logging.disable(disabled)
            os.dup2(saved, 2)
            os.close(saved)
