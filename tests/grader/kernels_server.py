"""A server on loopback that speaks what the `kaggle` client speaks when it pulls notebooks.

The API answers with a notebook's text and the addresses of what it left behind; those lie in a
storage, which is another host (localhost instead of 127.0.0.1) and gets no token.
"""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests import loopback


@dataclass
class Kernel:
    """A notebook at Kaggle: its text, when it last ran, and the files that it left."""

    source: str
    ran: str = "2026-11-01T08:00:00.123Z"
    output: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Kernels:
    """The server; `kernels` is owner/slug → kernel, `cut` names files that break off half-way."""

    kernels: dict[str, Kernel]
    token: str = "right"
    cut: set[str] = field(default_factory=set)
    log: list[tuple[str, str | None]] = field(default_factory=list)

    def __enter__(self) -> "Kernels":
        self.server = loopback.start(_Handler, self)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_) -> None:
        loopback.stop(self.server)


class _Handler(BaseHTTPRequestHandler):
    server_knows: Kernels

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self._log()
        if self.path.endswith("IntrospectToken"):
            known = asked["token"] == self.server_knows.token
            self._json(200, {"active": known, "username": "teacher" if known else ""})
            return
        slug = f"{asked['userName']}/{asked['kernelSlug']}"
        kernel = self.server_knows.kernels.get(slug)
        if kernel is None:
            self._json(403, {"code": 403, "message": "Permission 'kernels.get' was denied"})
        elif self.path.endswith("kernels.KernelsApiService/GetKernel"):
            blob = {"source": kernel.source, "language": "python", "kernelType": "notebook"}
            metadata = {"ref": slug, "lastRunTime": kernel.ran}
            self._json(200, {"metadata": metadata, "blob": {**blob, "slug": asked["kernelSlug"]}})
        elif self.path.endswith("kernels.KernelsApiService/ListKernelSessionOutput"):
            self._page(slug, kernel, int(asked.get("pageToken") or 0))
        else:
            self._json(404, {"code": 404, "message": "no such method"})

    def _page(self, slug: str, kernel: Kernel, begin: int, size: int = 2) -> None:
        storage = f"http://localhost:{self.server.server_port}/storage/{slug}"
        names = list(kernel.output)
        page = names[begin : begin + size]
        answer = {"files": [{"fileName": name, "url": f"{storage}/{name}"} for name in page]}
        if begin + size < len(names):
            answer["nextPageToken"] = str(begin + size)
        self._json(200, answer)

    def do_GET(self) -> None:
        self._log()
        owner, slug, name = self.path.removeprefix("/storage/").split("/", 2)
        body = self.server_knows.kernels[f"{owner}/{slug}"].output[name]
        kept = body[: len(body) // 2] if name in self.server_knows.cut else body
        self._reply(200, "application/octet-stream", kept, len(body))

    def _json(self, status: int, content: dict) -> None:
        body = json.dumps(content).encode()
        self._reply(status, "application/json", body, len(body))

    def _reply(self, status: int, kind: str, body: bytes, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # they hung up

    def _log(self) -> None:
        self.server_knows.log.append((self.path, self.headers.get("Authorization")))

    def log_message(self, *_) -> None:
        pass
