"""Servers on loopback that tests talk to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def start(handler: type[BaseHTTPRequestHandler], held: Any) -> ThreadingHTTPServer:
    """A running server, whose handlers find what it holds as `server_knows`; `stop` ends it."""
    own = type(handler.__name__, (handler,), {"server_knows": held})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def stop(server: ThreadingHTTPServer) -> None:
    server.shutdown()
    server.server_close()
