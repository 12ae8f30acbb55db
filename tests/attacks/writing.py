"""Attacks that change things outside, or leave something behind for the next one."""

from tests.attacks.attack import Attack

ATTACKS = [
    Attack(
        "writing grades, checks and settings",
        """
import os, sqlite3
for path in ("{course}/gradebook.db", "{course}/grading.toml", "{course}/ledger.jsonl", "{checks}",
             "{repository}/pwned", "{course}/outcomes/lyft_unet/pwned.json", "/root" "/.bashrc",
             "/etc/cron.d/pwned", "/var/spool/cron/pwned"):
    if os.path.exists(path): gained(path)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # in the sandbox's own /tmp it may
        open(path, "w").write("pwned")
    except OSError: pass
try: sqlite3.connect("{course}/gradebook.db").execute("drop table student"); gained("grades")
except sqlite3.Error: pass
""",
    ),
    Attack(
        "writing into Python, the system and our files",
        """
import os, site, sys, helpers.check
places = [*site.getsitepackages(), sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), "/",
          os.path.dirname(helpers.check.__file__), "/usr/bin", "/usr/local/bin", "/dev", "/etc",
          "/proc/sys/kernel", "/sys", "/proc/1", "/lib", "/bin", "/home"]
for place in places:
    try:
        open(os.path.join(place, "pwned.pth"), "w").write("import os"); gained(place)
    except OSError: pass
for path in (helpers.check.__file__, os.__file__, "/proc/sys/kernel/core_pattern", "/bin/sh",
             "/proc/self/oom_score_adj" if False else "/proc/sysrq-trigger"):
    for how in ("a", "w", "r+"):
        try: open(path, how); gained(path)
        except OSError: pass
    try: os.chmod(path, 0o777); gained("chmod", path)
    except OSError: pass
""",
    ),
    Attack(
        "something for the next student",
        """
import os
for path in ("/tmp/pwned", "~/pwned", "~/.ipython/profile_default/startup/pwned.py",
             "/dev/shm/pwned", "~/.config/matplotlib/pwned", "~/work" "/sitecustomize.py",
             "~/.local/lib/python3.11/site-packages/pwned.pth"):
    path = os.path.expanduser(path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").write("import os; os._exit(1)")
os.environ["PYTHONSTARTUP"] = "/tmp/pwned"
""",
    ),
    Attack(
        "many and large files beside the sockets",
        """
import os
place = os.path.dirname(os.environ["PIXELWISE_JUDGE"])
for number in range(10**5):
    try: open(f"{place}/{number}", "wb").write(bytes(10 << 20))
    except PermissionError: break
""",
    ),
    Attack(
        "folders without end beside the sockets",
        """
import os
os.chdir(os.path.dirname(os.environ["PIXELWISE_JUDGE"]))
try:
    for number in range(20_000):
        os.mkdir("pwned"); os.chdir("pwned")
except OSError as error:
    print(error)
""",
    ),
    Attack(
        "a removed file that stays open beside the sockets",
        """
import os, time
place = os.path.dirname(os.environ["PIXELWISE_JUDGE"])
try:
    with open(f"{place}/kernel.json", "ab") as file:
        file.write(bytes(3 << 20)); time.sleep(2)
except OSError as error:
    print(error)
files = []
try:
    for number in range(3):
        file = open(f"{place}/pwned{number}", "wb"); os.unlink(file.name)
        file.write(bytes(40 << 20)); files.append(file)
except OSError as error:
    print(error)
time.sleep(2)
""",
    ),
    Attack(
        "closed folders, links and special files beside the sockets",
        """
import os
place = os.path.dirname(os.environ["PIXELWISE_JUDGE"])
for make in (lambda: os.symlink("{course}", place + "/course"), lambda: os.mkfifo(place + "/pipe"),
             lambda: os.link(place + "/kernel.json", place + "/link"),
             lambda: os.symlink("/", place + "/root"), lambda: os.mkdir(place + "/closed"),
             lambda: open(place + "/closed/file", "w"), lambda: os.chmod(place + "/closed", 0),
             lambda: os.chmod(place, 0), lambda: os.chmod(place + "/kernel.json", 0o6777)):
    try: make()
    except OSError as error: print(error)
""",
    ),
    Attack(
        "the folder of the sockets, emptied and renamed",
        """
import os, shutil
place = os.path.dirname(os.environ["PIXELWISE_JUDGE"])
for name in os.listdir(place):
    try: os.unlink(os.path.join(place, name))
    except OSError: pass
try: os.rename(place, place + "2"); gained("renamed")
except OSError: pass
""",
    ),
]
