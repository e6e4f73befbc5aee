"""Server of rendered pages for benchmarks, so that rendering takes no time while a contender runs.

`server.py RECORDS_PER_DAY [--latency S] [--burst N --per-second N --hint HINT]` prints its address, and serves until
its standard input is closed. `GET /log` returns time, status and user agent of each request.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from claude_code_simulator import SAMPLE_ORGANIZATION_ID, RateLimit
from pages import DAY_IN_TEMPLATE, templates


def application(bodies: list[bytes], latency: float, limit: RateLimit | None) -> Any:
    """Builds the ASGI application."""
    log: list[tuple[float, int, str]] = []
    began = time.monotonic()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode()).items()}
        status, headers = 200, {"content-type": "application/json", "request-id": f"req_{len(log)}"}
        if scope["path"] == "/log":
            body = json.dumps(log).encode()
        elif refusal := limit and limit.refusal(dt.datetime.now(dt.timezone.utc)):
            status, body = 429, b'{"type":"error","error":{"type":"rate_limit_error","message":"too fast"}}'
            headers |= refusal.headers
        elif scope["path"].endswith("/me"):
            body = json.dumps({"id": SAMPLE_ORGANIZATION_ID, "type": "organization", "name": "Bench"}).encode()
        else:
            number = int(query["page"].removeprefix("page_")) if "page" in query else 0
            body = bodies[number].replace(DAY_IN_TEMPLATE, query["starting_at"][:10].encode())
        if scope["path"] != "/log":
            who = dict(scope["headers"]).get(b"user-agent", b"").decode()
            log.append((round(time.monotonic() - began, 4), status, who))
            await asyncio.sleep(latency)
        head = [(key.encode(), value.encode()) for key, value in headers.items()]
        head.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return app


def main() -> None:
    """Serves until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=int)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--burst", type=int)
    parser.add_argument("--per-second", type=float, default=1.0)
    parser.add_argument("--hint", default="seconds")
    chosen = parser.parse_args()
    limit = RateLimit(chosen.burst, chosen.per_second, hint=chosen.hint) if chosen.burst else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # otherwise each response waits 40 ms for the client
        app = application(templates(chosen.records), chosen.latency, limit)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error", access_log=False))
        threading.Thread(target=server.run, args=([listener],), daemon=True).start()
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        sys.stdin.read()
        server.should_exit = True


if __name__ == "__main__":
    main()
