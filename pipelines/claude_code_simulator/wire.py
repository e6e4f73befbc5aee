"""How an answer goes wrong on its way: bodies that stop, connections that break, and answers that take long.

The pieces that `faults` are made of, in a form that the httpx transport and the HTTP server both understand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx


class Wire(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body as it comes over the wire: some bytes, and perhaps an error after them.

    Args:
        sent: The bytes that arrive.
        error: What breaks then; None where the body ends in good order.
    """

    def __init__(self, sent: bytes, error: Exception | None = None) -> None:
        self.sent = sent
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield self.sent
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


BREAKS: Final[dict[str, tuple[type[httpx.TransportError], str]]] = {
    "connection refused": (httpx.ConnectError, "[Errno 111] Connection refused"),
    "connect timeout": (httpx.ConnectTimeout, "The connect operation timed out"),
    "connection reset": (httpx.ReadError, "[Errno 104] Connection reset by peer"),
    "read timeout": (httpx.ReadTimeout, "The read operation timed out"),
    "write failed": (httpx.WriteError, "[Errno 32] Broken pipe"),
    "write timeout": (httpx.WriteTimeout, "The write operation timed out"),
    "closed early": (httpx.RemoteProtocolError, "Server disconnected without sending a response."),
    "proxy failed": (httpx.ProxyError, "502 Bad Gateway"),
}
"""How a connection fails before there is any answer: the exception and its text, as httpx has them."""


def cut(response: httpx.Response, part: float, *, reset: bool) -> httpx.Response:
    """Break off a body.

    Args:
        response: The whole answer.
        part: Share of its body that arrives.
        reset: Whether the connection is reset there; closed if not.
    """
    body = response.content
    error: Exception = (
        httpx.ReadError("[Errno 104] Connection reset by peer")
        if reset
        else httpx.RemoteProtocolError("peer closed connection without sending complete message body")
    )
    headers = {**response.headers, "content-length": str(len(body))}
    return httpx.Response(response.status_code, headers=headers, stream=Wire(body[: int(len(body) * part)], error))


def mislabelled(response: httpx.Response, encoding: str) -> httpx.Response:
    """Send a body as it is under a `content-encoding` that is not true."""
    headers = {**response.headers, "content-encoding": encoding}
    return httpx.Response(response.status_code, headers=headers, stream=Wire(response.content))
