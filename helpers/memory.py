"""How much memory a piece of work takes: measured in a process of its own, from start to end.

Inside a running notebook it can't be told: what was freed is kept for the next time, so the second
network seems to need less than the first.
"""

import os
import subprocess
import sys

_TELL = """
from pathlib import Path as _Path
_status = _Path("/proc/self/status")
_text = _status.read_text() if _status.exists() else ""
print("\\n" + (_text.split("VmHWM:")[1].split()[0] if "VmHWM:" in _text else "nan"))
"""


def peak_mib(code: str) -> float:
    """The most memory that Python takes while it runs `code`, in MiB; nan where no system tells.

    The process is a new one. What it imports counts: the framework takes its share.

    Raises:
        RuntimeError: the code fails; the last line says why.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code + _TELL]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"the measured code stopped:\n{done.stderr.strip()}")
    return float(done.stdout.split()[-1]) / 1024
