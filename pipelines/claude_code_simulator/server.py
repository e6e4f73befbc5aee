"""The simulated API as a real HTTP server on loopback, for programs that cannot be handed a transport.

The only module that needs uvicorn. Breaks of the connection happen to the real socket: a reset is a reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Final

import httpx

from .api import SimulatedApi
from .wire import Wire

try:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ImportError as error:
    raise ImportError(
        "the HTTP server of the simulator needs uvicorn: pip install 'claude-code-analytics[simulator]'"
    ) from error

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Breaker = Callable[[Scope, Exception], None]

THREADS: Final = 64
"""Requests that are answered at once; slow answers hold a thread each."""

_HOP_BY_HOP: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding"})


def asgi(
    api: SimulatedApi,
    *,
    sleep: Callable[[float], object] = time.sleep,
    pool: Executor | None = None,
    break_off: Breaker | None = None,
) -> App:
    """Make an ASGI application of the API.

    Args:
        api: The API.
        sleep: Waits for some seconds, in a thread, before an answer that takes time.
        pool: Threads that answers are made in; those of the event loop if None.
        break_off: Breaks the connection of a scope as the exception says. Without it the exception is raised,
            which servers turn into a closed connection once the answer has begun, and into a 500 before.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        handle = functools.partial(api.handle, _request(scope), sleep=sleep)
        try:
            await _send(await asyncio.get_running_loop().run_in_executor(pool, handle), send)
        except httpx.ReadTimeout:
            while (await receive())["type"] != "http.disconnect":
                pass
        except httpx.TransportError as error:
            if break_off is None:
                raise
            break_off(scope, error)
            await asyncio.sleep(0)  # lets the server see that the connection is gone

    return app


@contextlib.contextmanager
def serve(api: SimulatedApi, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve the API from a thread of this process for as long as the context lasts.

    Args:
        api: The API. Answers that take time take real time here.
        host: Address to listen on.
        port: Port to listen on; a free one if 0.

    Yields:
        The base URL, such as `http://127.0.0.1:49152`.
    """
    stopping = threading.Event()
    with socket.create_server((host, port)) as listener, ThreadPoolExecutor(THREADS, "simulated-api") as pool:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer waits 40 ms for the client
        config = uvicorn.Config(
            asgi(api, sleep=stopping.wait, pool=pool, break_off=_Connection.break_off),
            http=_Connection,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="simulated-api", daemon=True)
        thread.start()
        try:
            # The socket listens already: whoever asks before the server is up waits for it.
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            stopping.set()
            server.should_exit = True
            thread.join()


class _Connection(H11Protocol):
    """A connection that can be found by its client's address, and be reset."""

    _open: Final[dict[tuple[str, int], asyncio.Transport]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer: tuple[str, int] = transport.get_extra_info("peername")[:2]
        self._open[self._peer] = transport
        # asyncio does this for sockets that it opened itself; else head and body are 40 ms apart.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.pop(self._peer, None)
        super().connection_lost(exc)

    @classmethod
    def break_off(cls, scope: Scope, error: Exception) -> None:
        transport = cls._open.get(tuple(scope["client"]))
        if transport is None:
            return
        if isinstance(error, httpx.RemoteProtocolError):
            transport.close()
            return
        # To linger for no time makes the kernel send a reset in place of an orderly end.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()


def _request(scope: Scope) -> httpx.Request:
    target: bytes = scope.get("raw_path") or scope["path"].encode()
    if scope["query_string"]:
        target += b"?" + scope["query_string"]
    url = httpx.URL(scheme=scope["scheme"], host="localhost", raw_path=target)
    return httpx.Request(scope["method"], url, headers=scope["headers"])


async def _send(response: httpx.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in _HOP_BY_HOP]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    body = response.stream
    if isinstance(body, Wire) and body.error is not None:
        await send({"type": "http.response.body", "body": body.sent, "more_body": True})
        raise body.error
    content = body.sent if isinstance(body, Wire) else response.content
    await send({"type": "http.response.body", "body": content, "more_body": False})
