"""Set up .venv with the versions of constraints.txt: python3 course/install.py lab torch keras

Only the standard library, and readable by any Python, so that a Python that is too old gets a
sentence and not a traceback. What is complete is noted in .venv/pixelwise.json, so that a second
call ends at once; an interrupted one goes on where it stopped.
"""

from __future__ import print_function

import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "pixelwise.json")

OLDEST, TOO_NEW = (3, 11), (3, 14)
# GiB on disk, measured: what each extra adds, with the wheels that pip keeps meanwhile
GIB = {
    "core": 0.4,
    "lab": 0.4,
    "torch": 1.3,
    "keras": 2.0,
    "grade": 0.1,
    "author": 0.1,
    "test": 0.5,
}
# What an extra takes without its own needs. The losses and metrics of this one need torch alone;
# its networks need a torchvision that fits the build of torch.
ALONE = {"test": ["segmentation-models-pytorch"]}
# References that only their own tests may import, and find in REFERENCES: they are built for other
# kinds of torch, and whatever imports them unprepared stops.
APART = {"test": ["torchvision"]}
REFERENCES = os.path.join(VENV, "references")
GPU_GIB = 8.5  # what PyTorch's default build for Linux takes beyond the one for the processor
MARGIN_GIB = 0.5

# what pip says when no index answers
NO_NETWORK = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ProxyError",
    "Name or service not known",
    "Network is unreachable",
    "Temporary failure in name resolution",
)


def refuse_python(version):
    """The sentence for a Python that Pixelwise can't run on, or None."""
    if OLDEST <= tuple(version[:2]) < TOO_NEW:
        return None
    kind = "old" if tuple(version[:2]) < OLDEST else "new"
    return (
        "This is Python %d.%d, too %s for Pixelwise, which needs 3.11, 3.12 or 3.13. Name one: "
        "make lab PYTHON=/path/to/python3.12" % (version[0], version[1], kind)
    )


def refuse_disk(extras, done):
    """The sentence for a disk without room for `extras`, or None. `done` are installed already."""
    missing = {"core"} | extras if not done else extras - done
    need = sum(GIB[extra] for extra in missing) + MARGIN_GIB
    gpu_build = "torch" in missing and sys.platform == "linux" and not os.environ.get("TORCH_INDEX")
    if gpu_build:
        need += GPU_GIB
    if not done:
        need -= size_gib(VENV)  # what an interrupted install left
    free = shutil.disk_usage(ROOT).free / 2.0**30
    if free >= need:
        return None
    sentence = "Too little disk: %s has %.1f GiB free, and the packages take %.1f GiB." % (
        ROOT,
        free,
        need,
    )
    if gpu_build:
        sentence += (
            " %.1f of them are for graphics cards; TORCH_INDEX=... names an index of smaller "
            "builds (see README.md)." % GPU_GIB
        )
    return sentence


def size_gib(folder):
    """Bytes of all files under `folder`, in GiB; 0 where there is none."""
    paths = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return sum(os.lstat(path).st_size for path in paths) / 2.0**30


def fingerprint():
    """Changes when what is to be installed does, or when the checkout was moved."""
    digest = hashlib.sha256(ROOT.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read_stamp():
    """(fingerprint, extras) of the last install that ended well."""
    try:
        with open(STAMP) as file:
            stamp = json.load(file)
        return stamp["fingerprint"], set(stamp["extras"])
    except (OSError, ValueError, KeyError):
        return None, set()


def write_stamp(wanted, extras):
    """Note that `extras` are complete; all at once, so that a broken-off write leaves no half."""
    with open(STAMP + ".new", "w") as file:
        json.dump({"fingerprint": wanted, "extras": sorted(extras)}, file)
    os.replace(STAMP + ".new", STAMP)


def make_venv():
    """Make .venv, unless one with a pip that runs is there."""
    if os.path.exists(PYTHON):
        if subprocess.call([PYTHON, "-m", "pip", "--version"], stdout=subprocess.DEVNULL) == 0:
            return
    try:
        import venv
        from ensurepip import version  # noqa: F401  Debian ships venv without it
    except ImportError:
        sys.exit(
            "This Python can't make virtual environments. On Debian and Ubuntu: "
            "sudo apt-get install python%d.%d-venv" % sys.version_info[:2]
        )
    print("Making %s" % VENV, flush=True)
    venv.create(VENV, clear=True, with_pip=True, symlinks=True)


def pip_install(extras):
    """Install the extras; returns the sentence that says why that failed, or None."""
    alone = [package for extra in sorted(extras) for package in ALONE.get(extra, [])]
    sentence = run_pip(["-e", ".[%s]" % ",".join(sorted(extras))])
    if alone and not sentence:
        sentence = run_pip(["--no-deps"] + alone)
    apart = [package for extra in sorted(extras) for package in APART.get(extra, [])]
    if apart and not sentence:
        sentence = run_pip(["--no-deps", "--upgrade", "--target", REFERENCES] + apart)
    return sentence


def run_pip(arguments):
    """Run pip install; returns the sentence that says why it failed, or None."""
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["-c", "constraints.txt"] + arguments
    if os.environ.get("TORCH_INDEX"):
        command += ["--extra-index-url", os.environ["TORCH_INDEX"]]
    scratch = os.path.join(VENV, "tmp")  # /tmp is often small
    os.makedirs(scratch, exist_ok=True)
    pip = subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ, TMPDIR=scratch), stderr=subprocess.PIPE, text=True
    )
    said = []
    for line in pip.stderr:
        sys.stderr.write(line)
        said.append(line)
    failed = pip.wait() != 0
    shutil.rmtree(scratch, ignore_errors=True)
    if not failed:
        return None
    said = "".join(said)
    if "No space left" in said:
        return "The disk ran full. Free some space; the same command goes on from here."
    if any(mark in said for mark in NO_NETWORK):
        return (
            "No network: pip reached no package index (the lines above say which). "
            "Once there is one, the same command goes on from here."
        )
    return "pip failed; its last lines above say why. The same command tries again."


def main(extras):
    sentence = refuse_python(sys.version_info)
    if sentence:
        sys.exit(sentence)
    wanted = fingerprint()
    found, done = read_stamp()
    if found == wanted and extras <= done and os.path.exists(PYTHON):
        return
    sentence = refuse_disk(extras, done)
    if sentence:
        sys.exit(sentence)
    make_venv()
    print("Installing %s (minutes, the first time)" % ", ".join(sorted(extras)), flush=True)
    sentence = pip_install(extras | done)
    if sentence:
        sys.exit(sentence)
    write_stamp(wanted, extras | done)


if __name__ == "__main__":
    try:
        main(set(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from here.")
