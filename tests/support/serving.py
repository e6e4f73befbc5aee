"""The simulated API behind a real socket on 127.0.0.1, for tests that start programs of their own."""

from __future__ import annotations

import _socket
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from claude_code_simulator import SimulatedApi, serve


@contextmanager
def serving(api: SimulatedApi) -> Iterator[dict[str, str]]:
    """Serves the API while it lasts, and yields the environment that leads a program there."""
    with serve(api) as address:
        yield environment(address, api.credentials.admin_key)


def environment(address: str, key: str) -> dict[str, str]:
    """Returns the environment of a program that loads from the API at `address`."""
    return {**os.environ, "SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL": address, "ANTHROPIC_ADMIN_KEY": key}


def connect_on_this_machine(self: socket.socket, address: Any) -> None:
    """Connects as `socket.socket.connect` does, but nowhere else than on this machine."""
    assert isinstance(address, (str, bytes)) or address[0] in ("127.0.0.1", "::1", "localhost"), address
    _socket.socket.connect(self, address)
