"""Attacks that want to know: checks, keys, grades, other students, the machine, the network."""

from tests.attacks.attack import Attack

FILES = """
import os
for path in ("{course}", "{course}/grading.toml", "{course}/gradebook.db", "{course}/submitted",
             "{course}/outcomes", "{checks}", "{repository}/grader", "{repository}/assignments",
             "{repository}/.git", "{repository}/helpers", "/etc/passwd", "/etc/shadow",
             "/proc/1/root" "/etc/shadow", "/home/student/../../root" "/.ssh",
             "/run", "/var", "/mnt", "/sys/fs"):
    if os.path.exists(path): gained(path)
    try: gained(path, open(path).read(100))
    except OSError: pass
"""

ATTACKS = [
    Attack("reading the course's files", FILES),
    Attack(
        "searching the whole disk",
        """
import os
wanted = {"grading.toml", "gradebook.db", "ledger.jsonl", "grading.log", "nbgrader_config.py"}
for folder, names, files in os.walk("/"):
    names[:] = [n for n in names if os.path.join(folder, n) not in ("/proc", "/usr", "/sys")
                and n != "site-packages" and not n.startswith("python3")]
    for name in {*files} & wanted: gained(os.path.join(folder, name))
    for name in files:
        if name.startswith(("hidden-", "judge.log")): gained(os.path.join(folder, name))
""",
    ),
    Attack(
        "other processes, by /proc",
        """
import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("cmdline", "environ"):
        try: text = open(f"/proc/{pid}/{name}", "rb").read()
        except OSError: continue
        for word in (b"grader.judge", b"PIXELWISE_COURSE", b"PIXELWISE_SEED", b"ledger", b"SSH_"):
            if word in text: gained(pid, name, word)
    for name in ("root/etc/shadow", "cwd/ledger.jsonl", "root{course}/grading.toml"):
        if os.path.exists(f"/proc/{pid}/{name}"): gained(pid, name)
for path in ("/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmsg", "/dev/sda"):
    try:
        if open(path, "rb").read(64): gained(path)
    except OSError: pass
if int(open("/proc/kallsyms").readline().split()[0], 16): gained("where the kernel lies")
""",
    ),
    Attack(
        "its own memory, for what was there before it",
        r"""
import os, re
wanted = re.compile(rb"PIXELWISE_(?:SEE[D]|DAT[A]|GRADEBOO[K])|gradebook[.]d[b]|grading[.]tom[l]"
                    rb"|/tmp/pixelwise-[a-z0-9_]{8}")
mine = re.search(r"/tmp/pixelwise-[a-z0-9_]{8}", os.__dict__["envi" + "ron"]["PIXELWISE_JUDGE"])[0]
found = set()
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
    for line in maps:
        span, rights, _, _, inode, *_ = line.split()
        start, end = (int(number, 16) for number in span.split("-"))
        if rights.startswith("rw") and inode == "0" and end - start < 1 << 28:
            try:
                memory.seek(start)
                found |= {*wanted.findall(memory.read(end - start))}
            except (OSError, ValueError): continue
# the name of its own folder may be half overwritten; it is there, or nothing was read
others = {word for word in found if word[:20] != mine.encode()[:20]}
if others or mine.encode() not in found: gained(found)
""",
    ),
    Attack(
        "environment and open files",
        """
import os, stat
for name, value in os.environ.items():
    if name.startswith(("PIXELWISE", "SSH", "AWS", "GITHUB")) or "{course}" in value:
        if name != "PIXELWISE_JUDGE": gained(name)
for number in range(512):
    try: status, place = os.fstat(number), os.readlink(f"/proc/self/fd/{number}")
    except OSError: continue
    writable = os.get_blocking(number) is not None and stat.S_ISREG(status.st_mode)
    if writable and not place.startswith(("/home/student", "/tmp", "/usr")):
        try:
            os.write(number, b"pwned"); gained(number, place)
        except OSError: pass
""",
    ),
    Attack(
        "imports of what holds solutions",
        """
import importlib, sys
sys.path += ["{repository}", "{course}"]
for name in ("grader", "grader.checks", "grader.settings", "helpers.masks", "helpers.metrics",
             "helpers.verdict", "helpers.designs", "helpers.pytorch.unet", "helpers.keras.unet",
             "helpers.desk", "helpers.data", "assignments"):
    try:
        importlib.import_module(name); gained(name)
    except ImportError: pass
""",
    ),
    Attack(
        "the network, by every family of sockets",
        """
import socket, subprocess, urllib.request
socket.setdefaulttimeout(0.3)
for host in ("127.0.0.1", "192.0.2.1", "10.0.2.2", "169.254.169.254", "172.17.0.1", "8.8.8.8"):
    for port in (22, 53, 80, 443, 2049, 5432, 8888):
        try:
            socket.create_connection((host, port)); gained(host, port)
        except OSError: pass
for host in ("::1", "fe80::1", "2001:db8::1"):
    try:
        socket.create_connection((host, 80)); gained(host)
    except OSError: pass
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"pwned", ("8.8.8.8", 53)); gained("udp")
except OSError: pass
try: gained(socket.gethostbyname("pypi.org"))
except OSError: pass
for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW)):
    try:
        socket.socket(family, kind); gained("raw")
    except OSError: pass
try:
    s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); s.connect((2, 1)); gained("vsock")
except (OSError, AttributeError): pass
for url in ("http://example.org", "http://169.254.169.254/latest/meta-data"):
    try: gained(urllib.request.urlopen(url, timeout=0.3).read(20))
    except OSError: pass
for command in ("exec 3<>/dev/tcp/127.0.0.1/22", "curl -m1 http://example.org", "ping -c1 8.8.8.8"):
    done = subprocess.run(["bash", "-c", command], capture_output=True)
    if done.returncode == 0: gained(command)
""",
    ),
    Attack(
        "sockets of the desktop and of services",
        r"""
import socket
for name in ("\0/tmp/.X11-unix/X0", "\0/tmp/dbus-0", "/run/docker.sock", "/var/run/docker.sock",
             "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/user/0/bus",
             "/tmp/.X11-unix/X0", "/run/containerd/containerd.sock", "/tmp/ssh-agent"):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(name); gained(name)
        except OSError: pass
""",
    ),
    Attack(
        "becoming root, new namespaces, mounts",
        r"""
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for name, call in {
    "setuid": lambda: libc.setuid(0), "setresuid": lambda: libc.setresuid(0, 0, 0),
    "setgid": lambda: libc.setgid(0), "user namespace": lambda: libc.unshare(0x10000000),
    "mount namespace": lambda: libc.unshare(0x20000), "chroot": lambda: libc.chroot(b"/tmp"),
    "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "remount": lambda: libc.mount(b"none", b"/usr", None, 32, None),
    "umount": lambda: libc.umount2(b"/proc", 2),
    "pivot_root": lambda: libc.syscall(155, b".", b"."),
    "setns": lambda: libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0),
    "keys": lambda: libc.syscall(248, b"user", b"pwned", b"x", 1, -4),
    "bpf": lambda: libc.syscall(321, 0, None, 0),
    "io_uring": lambda: libc.syscall(425, 8, b"0" * 120),
    "mknod": lambda: libc.mknod(b"/tmp/sda", 0o60666, 0x800),
    "sethostname": lambda: libc.sethostname(b"pwned", 5), "reboot": lambda: libc.reboot(0x89ABCDEF),
}.items():
    try:
        if call() == 0: gained(name)
    except OSError: pass
for program in ("su -c id", "sudo -n id", "pkexec id", "bwrap --unshare-user --bind / / true",
                "unshare -r id", "mount -o remount,rw /usr"):
    done = subprocess.run(program, shell=True, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0: gained(program)
if os.getuid() == 0: gained("root")
""",
    ),
    Attack(
        "memory of other processes",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in (1, 2, os.getppid()):
    if pid == os.getpid() or pid == 0: continue
    try:
        text = open(f"/proc/{pid}/mem", "rb")
        for line in open(f"/proc/{pid}/maps"):
            if "[heap]" in line or "[stack]" in line:
                start, end = (int(n, 16) for n in line.split()[0].split("-"))
                text.seek(start)
                if b"grading.toml" in text.read(end - start): gained("memory", pid)
    except (OSError, ValueError): pass
""",
    ),
    Attack(
        "hidden cases, printed",
        "def crop_flip(image, *rest):\n    leaked(image.tolist(), rest); return image",
    ),
    Attack(
        "hidden cases, in an error's text and name",
        """
seen = ""
def crop_flip(image, *rest):
    global seen
    if seen: raise ValueError("a public case, sooner or later")
    seen = "lea" "ked:" + str(rest); raise type(seen[:50], (ValueError,), {})(seen)
""",
        change=lambda notebook: notebook.cells.append(
            notebook.cells[0].__class__(
                cell_type="code",
                metadata={},
                outputs=[],
                execution_count=None,
                id="raise-it",
                source="raise type(seen[:50], (ValueError,), {})(seen)",
            )
        ),
    ),  # fmt: skip
    Attack(
        "hidden cases, put into an output of an earlier cell",
        """
def crop_flip(image, *rest):
    early.update({"text/plain": "lea" "ked:" + str(rest)}, raw=True); return image
""",
        first="from IPython.display import display\n"
        "early = display({'text/plain': 'nothing'}, raw=True, display_id=True)",
    ),
    Attack(
        "hidden cases, sent in an earlier cell's name",
        """
parent = get_ipython().kernel.get_parent()
def crop_flip(image, *rest):
    kernel = get_ipython().kernel
    text = "lea" "ked:" + str(rest)
    for old in (parent, first_parent):
        said = {"name": "stdout", "text": text}
        kernel.session.send(kernel.iopub_socket, "stream", said, parent=old)
    return image
""",
        first="first_parent = get_ipython().kernel.get_parent()",
    ),
    Attack(
        "hidden cases, in a widget that an earlier cell shows",
        """
from ipykernel.comm import Comm
def crop_flip(image, *rest):
    comm.send({"method": "update", "state": {"outputs": [
        {"output_type": "stream", "name": "stdout", "text": "lea" "ked:" + str(rest)}]}})
    return image
""",
        first="""
from IPython.display import display
from ipykernel.comm import Comm
comm = Comm("jupyter.widget", data={"state": {"_model_module": "@jupyter-widgets/output",
            "_model_name": "OutputModel", "outputs": [], "msg_id": ""}},
            metadata={"version": "2.1.0"})
display({"application/vnd.jupyter.widget-view+json": {"model_id": comm.comm_id,
         "version_major": 2, "version_minor": 0}, "text/plain": "a widget"}, raw=True)
""",
    ),
    Attack(
        "asking the instructor for input",
        "import getpass\ninput('Password: ')",
        says="StdinNotImplemented|stopped",
    ),
]
