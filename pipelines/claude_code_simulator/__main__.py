"""Starts the simulated API by hand: `python -m claude_code_simulator --port 8080`."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Sequence

from .api import SimulatedApi
from .catalogue import FAULTS
from .organization import SampleOrganization
from .rate import WAYS, RateLimit
from .script import FaultScript, On


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the sample organization until Ctrl-C, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        from .server import serve  # uvicorn may be missing, and only here is that of interest
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    limit = RateLimit(options.burst, options.rate, says=options.says) if options.rate else None
    api = SimulatedApi(
        SampleOrganization(developers=options.developers, seed=options.seed),
        rate_limit=limit,
        latency=options.latency_ms / 1000,
        fault=FaultScript(*(On(name, path=None, after=int(after or 0)) for name, _, after in options.fault)),
    )
    try:
        with serve(api, host=options.host, port=options.port) as base_url:
            sys.stdout.write(f"{base_url}  x-api-key: {api.credentials.admin_key}\n")
            sys.stdout.flush()
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    except OSError as error:
        sys.stderr.write(f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return 1
    return 0


def _fault(text: str) -> tuple[str, str, str]:
    name, at, after = text.partition("@")
    if name not in FAULTS or (at and not after.isdecimal()):
        message = f"{text!r} is not NAME or NAME@N, with a name in the README of the simulator"
        raise argparse.ArgumentTypeError(message)
    return name, at, after


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m claude_code_simulator",
        description="A simulated Claude Code Analytics Admin API with a sample organization, on loopback.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on, 0 for a free one (%(default)s)")
    parser.add_argument("--developers", type=int, default=60, help="size of the organization (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another organization (%(default)s)")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="time that every answer takes (%(default)s)")
    parser.add_argument("--rate", type=float, help="requests per second that the organization may make (no limit)")
    parser.add_argument("--burst", type=int, default=10, help="requests at once with --rate (%(default)s)")
    parser.add_argument("--says", choices=list(WAYS), default="seconds", help="how a 429 tells the wait (%(default)s)")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="NAME[@N]",
        help="a fault that happens once, after N requests (0); may be given several times",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
