"""Where the notebook runs, how much of the machine is yours, and where the course's files lie.

In a container (Binder, Kaggle, Colab) the machine looks bigger than your share of it. The share
stands in the control group, a folder of files that Linux keeps; more threads than it allows make
training several times slower, not faster.
"""

import math
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
AROUND = [Path(__file__).parent.parent / "course", Path(".."), Path("."), Path("course")]
PACKAGES = ("numpy", "pillow", "matplotlib", "ipywidgets", "jupyterlab", "torch", "keras")


def place() -> str:
    """'kaggle', 'colab', 'binder' or 'local'."""
    marks = {
        "kaggle": "KAGGLE_KERNEL_RUN_TYPE",
        "colab": "COLAB_RELEASE_TAG",
        "binder": "BINDER_LAUNCH_HOST",
    }
    return next((name for name, variable in marks.items() if variable in os.environ), "local")


def cores(cgroup: Path = CGROUP, own_groups: Path = OWN_GROUPS) -> int:
    """How many processor cores this process may keep busy, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        shares = [float(len(os.sched_getaffinity(0)))]
    else:
        shares = [float(os.cpu_count() or 1)]
    for file in _group_files("cpu", "cpu.max", cgroup, own_groups):  # version 2: "150000 100000"
        quota, period = file.read_text().split()
        if quota != "max":
            shares.append(int(quota) / int(period))
    for file in _group_files("cpu", "cpu.cfs_quota_us", cgroup, own_groups):  # version 1, -1 = all
        quota = int(file.read_text())
        if quota > 0:
            shares.append(quota / int(file.with_name("cpu.cfs_period_us").read_text()))
    return max(1, math.floor(min(shares)))


def memory_gib(cgroup: Path = CGROUP, own_groups: Path = OWN_GROUPS) -> float:
    """How much memory this process may use, in GiB; nan where the system does not tell."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in ("memory.max", "memory.limit_in_bytes"):  # version 2, version 1
        for file in _group_files("memory", name, cgroup, own_groups):
            text = file.read_text().strip()
            if text != "max":
                limits.append(int(text))
    return min(limits) / 2**30 if limits else math.nan


def set_threads(n: int | None = None) -> int:
    """Gives the numerical libraries `n` threads each, and returns n.

    Without `n`: as many as there are cores, or OMP_NUM_THREADS where that is set to fewer. A
    framework that is not imported yet reads the number when it is; none is imported here.
    """
    if n is None:
        asked = os.environ.get("OMP_NUM_THREADS", "")
        n = min(cores(), int(asked)) if asked.isdigit() and int(asked) > 0 else cores()
    if n < 1:
        raise ValueError(f"n is {n}; at least one thread is needed")
    for library in ("OMP", "MKL", "OPENBLAS", "TF"):
        name = "TF_NUM_INTRAOP_THREADS" if library == "TF" else f"{library}_NUM_THREADS"
        os.environ[name] = str(n)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n)
    if "tensorflow" in sys.modules:
        try:
            sys.modules["tensorflow"].config.threading.set_intra_op_parallelism_threads(n)
        except RuntimeError:
            pass  # TensorFlow has computed something already: its threads are set for good
    return n


def report() -> dict[str, str]:
    """Place, share of the machine and versions, each as a name and a text: a table's rows."""
    memory = memory_gib()
    return {
        "place": place(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cores()),
        "memory": "unknown" if math.isnan(memory) else f"{memory:.1f} GiB",
        "Python": platform.python_version(),
        **{package: _version(package) for package in PACKAGES},
    }


def stored(name: str) -> Path:
    """A file that comes with the course, such as 'results/ranking.json' or 'twins/unet.npz'.

    Looks in the folder course beside this package, then around the folder that the notebook runs
    in.

    Raises:
        FileNotFoundError: the notebook came without it.
    """
    for folder in AROUND:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(
        f"{name}: not here. It lies in the folder course of the repository; run the notebook there"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _group_files(controller: str, name: str, cgroup: Path, own_groups: Path) -> Iterator[Path]:
    """The files `name` of the process's own control group and of those around it."""
    if not own_groups.exists():
        return  # not Linux
    for line in own_groups.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = cgroup / controller if controllers else cgroup
        folder = top / path.strip("/")
        for group in [folder, *folder.parents]:
            if group.is_relative_to(top) and (group / name).is_file():
                yield group / name
