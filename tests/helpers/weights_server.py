"""A server on loopback that holds one file, and can be told to misbehave."""

import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests import loopback


@dataclass
class Server:
    """The server and what it holds; `asked` tells the Range of each request, None without one."""

    content: bytes
    cut_after: list[int] = field(default_factory=list)  # bytes after which answers break off
    status: int = 200
    ranges: bool = True
    asked: list[str | None] = field(default_factory=list)

    def __enter__(self) -> "Server":
        self.http = loopback.start(_Handler, self)
        self.url = f"http://127.0.0.1:{self.http.server_port}/model.safetensors"
        return self

    def __exit__(self, *_) -> None:
        loopback.stop(self.http)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_knows: Server

    def do_GET(self) -> None:
        server = self.server_knows
        asked = self.headers.get("Range")
        server.asked.append(asked)
        start = int(re.match(r"bytes=(\d+)-$", asked)[1]) if asked and server.ranges else 0
        body, status = server.content[start:], server.status
        if status == 200 and start:
            status = 206 if body else 416
        if status >= 400:
            body = b"<html>an error page</html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        stop = server.cut_after.pop(0) if server.cut_after else len(body)
        self.wfile.write(body[:stop])
        self.close_connection = True

    def log_message(self, *_) -> None:
        pass
