"""A server on loopback that speaks what the `kaggle` client speaks, and can be told to misbehave.

The API answers a download with a redirect to a storage, which is another host (localhost instead
of 127.0.0.1) and knows Range, If-Range and ETag. `log` tells what was asked and how much was sent.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests import loopback


@dataclass
class Answer:
    """One line of the log."""

    path: str
    status: int
    range: str | None = None
    fetch: bool = False  # not the look at the headers that comes before each fetch
    authorization: str | None = None
    sent: int = 0


@dataclass
class Kaggle:
    """The server and what it holds."""

    archive: bytes
    cut_after: list[int] = field(default_factory=list)  # bytes after which answers break off
    stall_after: int | None = None  # bytes after which nothing more comes
    refuse: tuple[int, str] | None = None  # status and message of the API
    storage_status: list[int] = field(default_factory=list)  # of the storage, one for each fetch
    page_instead: str = ""  # "fetch" or "all": a sign-in page, with status 200, for these GETs
    claimed_size: int | None = None
    ranges: bool = True
    token: str = "right"
    log: list[Answer] = field(default_factory=list)

    def __enter__(self) -> "Kaggle":
        self.server = loopback.start(_Handler, self)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_) -> None:
        loopback.stop(self.server)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.archive).hexdigest()}"'

    @property
    def fetched(self) -> list[Answer]:
        return [answer for answer in self.log if answer.fetch]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_knows: Kaggle

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionResetError:
            pass  # they hung up without reading all

    def do_POST(self) -> None:
        kaggle = self.server_knows
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("IntrospectToken"):
            known = json.loads(asked)["token"] == kaggle.token
            self._json(200, {"active": known, "username": "ada" if known else ""})
        elif kaggle.refuse:
            status, message = kaggle.refuse
            self._json(status, {"code": status, "message": message})
        elif self.path.endswith("datasets.DatasetApiService/DownloadDataset"):
            self.send_response(302)
            storage = f"http://localhost:{self.server.server_port}/storage/archive.zip?signature=7"
            self.send_header("Location", storage)
            self.send_header("Content-Length", "0")
            self._log(302)  # before they can go on
            self.end_headers()
        else:
            self._json(404, {"code": 404, "message": "no such method"})

    def do_GET(self) -> None:
        kaggle, page = self.server_knows, b"<html>please sign in to the hotel's network</html>"
        fetch = self.headers.get("Accept-Encoding") == "identity"
        status = kaggle.storage_status.pop(0) if fetch and kaggle.storage_status else 200
        if kaggle.page_instead == "all" or (kaggle.page_instead == "fetch" and fetch):
            self._reply(page)
            return
        if status != 200:
            body, asked = b"<Error>an error page of the storage</Error>", None
        else:
            asked = self.headers.get("Range") if kaggle.ranges else None
            if self.headers.get("If-Range", kaggle.etag) != kaggle.etag:
                asked = None
            status = 206 if asked else 200
            start = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked else 0
            body = kaggle.archive[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(kaggle.claimed_size or len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", kaggle.etag)
        if asked:
            total = len(kaggle.archive)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        answer = self._log(status)
        self.end_headers()
        self._send(answer, body)

    def _send(self, answer: Answer, body: bytes) -> None:
        kaggle, fetch = self.server_knows, answer.fetch
        stop = kaggle.cut_after.pop(0) if fetch and kaggle.cut_after else len(body)
        try:
            for place in range(0, stop, 8192):
                if fetch and kaggle.stall_after is not None and place >= kaggle.stall_after:
                    self.rfile.read(1)  # until the other side hangs up
                    return
                piece = body[place : min(place + 8192, stop)]
                self.wfile.write(piece)
                answer.sent += len(piece)
        except OSError:
            pass  # they hung up
        finally:
            self.close_connection = self.close_connection or stop < len(body)

    def _json(self, status: int, content: dict) -> None:
        self._reply(json.dumps(content).encode(), status, "application/json")

    def _reply(self, body: bytes, status: int = 200, kind: str = "text/html") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self._log(status)
        self.end_headers()
        self.wfile.write(body)

    def _log(self, status: int) -> Answer:
        answer = Answer(
            self.path,
            status,
            self.headers.get("Range"),
            self.headers.get("Accept-Encoding") == "identity",
            self.headers.get("Authorization"),
        )
        self.server_knows.log.append(answer)
        return answer

    def log_message(self, *_) -> None:
        pass
