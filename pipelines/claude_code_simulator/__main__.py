"""Command that serves the sample organization: `python -m claude_code_simulator --port 8080`."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import sys
import threading
from collections.abc import Sequence

from . import SampleOrganization, SimulatedApi, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the sample organization until Ctrl-C. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m claude_code_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="on 127.0.0.1, 0 for a free one (%(default)s)")
    parser.add_argument("--developers", type=int, default=60, help="size of the organization (%(default)s)")
    parser.add_argument("--founded", type=dt.date.fromisoformat, default="2025-03-03", help="first day (%(default)s)")
    options = parser.parse_args(arguments)
    api = SimulatedApi(SampleOrganization(developers=options.developers, founded=options.founded))
    try:
        with contextlib.suppress(KeyboardInterrupt), serve(api, port=options.port) as base_url:
            sys.stdout.write(f"{base_url}  x-api-key: {api.credentials.admin_key}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {options.port}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
