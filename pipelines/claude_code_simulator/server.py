"""HTTP server of the simulated API on loopback, for programs that accept no transport.

A broken connection really breaks here: a reset is a reset.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

import httpx

from .api.simulated_api import SimulatedApi

# Headers of a connection, which the server sets itself.
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


@contextlib.contextmanager
def serve(api: SimulatedApi, *, port: int = 0) -> Iterator[str]:
    """Serves the API from a thread of this process while the context lasts. Yields the base URL.

    The port is a free one by default. Responses that take time take real time here.
    """
    server = _Server(api, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="simulated-api", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        server.hang_up()


class _Server(ThreadingHTTPServer):
    """A server whose end is the end of all its connections."""

    request_queue_size = 64

    def __init__(self, api: SimulatedApi, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.api = api
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()

    def hang_up(self) -> None:
        self.stopping.set()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    """One connection, which may be kept for several requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body would be 40 ms apart
    server: _Server
    connection: socket.socket

    def handle(self) -> None:
        self.server.connections.add(self.connection)
        # The client may hang up at any time.
        with contextlib.suppress(ConnectionError):
            super().handle()
        self.server.connections.discard(self.connection)

    def log_message(self, format: str, *args: object) -> None:
        pass  # the API has its own log

    def _respond(self) -> None:
        if self.command != "GET":
            self.close_connection = True  # what follows may be a body
        url = httpx.URL(scheme="http", host="localhost", raw_path=self.path.encode("latin-1"))
        try:
            request = httpx.Request(self.command, url, headers=list(self.headers.items()))
            response = self.server.api.handle(request, sleep=self.server.stopping.wait)
        except httpx.ReadTimeout:
            self.rfile.read(1)  # until the client gives up
            self.close_connection = True
        except httpx.TransportError as error:
            self._break(error)
        else:
            self._send(response)

    do_GET = do_POST = do_PUT = do_DELETE = _respond  # noqa: N815 (the names that the base class calls)

    def _send(self, response: httpx.Response) -> None:
        body, broken = b"", None
        try:
            for part in cast("httpx.SyncByteStream", response.stream):
                body += part
        except httpx.TransportError as error:
            broken = error
        # With a break, the header has the length of the whole body.
        length = response.headers["content-length"] if broken else str(len(body))
        self.send_response_only(response.status_code)
        for name, value in response.headers.items():
            if name not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("content-length", length)
        if self.close_connection:  # or the client would send its next request into a connection that ends
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)
        if broken:
            self._break(broken)

    def _break(self, error: httpx.TransportError) -> None:
        """Closes the connection in good order after a `RemoteProtocolError`, and resets it after any other."""
        self.close_connection = True
        if not isinstance(error, httpx.RemoteProtocolError):
            # Lingering for no time makes the kernel send a reset in place of an orderly end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
