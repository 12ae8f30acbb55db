"""A PostgreSQL server on loopback, with a password."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD = "correct horse"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: on the path, or where Debian keeps them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """A new server; `stop` ends it as a power cut would, `start` brings it up again."""

    def __enter__(self) -> "Postgres":
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
        (self.folder / "password").write_text(PASSWORD)
        self._as = {}
        if os.getuid() == 0:  # it refuses to run as root
            owner = pwd.getpwnam("postgres")
            self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
            for path in (self.folder, self.folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        secret = ["-A", "scram-sha-256", "--pwfile", self.folder / "password"]
        self._call("initdb", "-U", "teacher", "-E", "UTF8", *secret)
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @property
    def url(self) -> str:
        secret = PASSWORD.replace(" ", "%20")
        return f"postgresql+psycopg://teacher:{secret}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        own = f"-h 127.0.0.1 -p {self.port} -k {self.folder}"
        self._call("pg_ctl", "-w", "-l", self.folder / "log", "-o", own, "start")

    def stop(self) -> None:
        self._call("pg_ctl", "-m", "immediate", "stop")

    def _call(self, program: str, *words: object) -> None:
        command = [programs() / program, "-D", self.folder / "data", *words]
        with open(self.folder / "said", "a+") as said:  # the server keeps a pipe open
            done = subprocess.run(command, cwd="/", stdout=said, stderr=said, **self._as)
            said.seek(0)
            assert done.returncode == 0, said.read()
