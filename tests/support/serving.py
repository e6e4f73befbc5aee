"""The simulated API behind a real socket on 127.0.0.1, for tests that start programs of their own.

Also a program: `python serving.py DEVELOPERS FOUNDED` serves a sample organization and prints its address.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from claude_code_simulator import SampleOrganization, SimulatedApi


class _Server(ThreadingHTTPServer):
    """Ends with the test, whatever a request still waits for."""

    daemon_threads = True
    block_on_close = False


def server(api: SimulatedApi) -> tuple[ThreadingHTTPServer, str]:
    """A server in front of `api`, listening on a free port, and its address. Who asks for it has it serve."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = api.handle(httpx.Request("GET", f"{address}{self.path}", headers=dict(self.headers)))
            body = answer.read()
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in ("content-length", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the API keeps its own log."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                """Whoever asked was interrupted, and does not wait for the answer."""

    served = _Server(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{served.server_port}"
    return served, address


@contextmanager
def serving(api: SimulatedApi) -> Iterator[dict[str, str]]:
    """While it lasts the API is served; gives the environment that leads a program there."""
    served, address = server(api)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield environment(address, api.credentials.admin_key)
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


def environment(address: str, key: str) -> dict[str, str]:
    """Environment of a program that asks the API at `address`."""
    return {**os.environ, "SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL": address, "ANTHROPIC_ADMIN_KEY": key}


if __name__ == "__main__":
    organization = SampleOrganization(developers=int(sys.argv[1]), founded=dt.date.fromisoformat(sys.argv[2]))
    for_ever, where = server(SimulatedApi(organization))
    print(where, flush=True)  # noqa: T201
    for_ever.serve_forever()
