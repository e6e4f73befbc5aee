"""Tells the story to the destinations: `python tests/destinations [duckdb delta postgres bigquery snowflake]`.

Makes the environments that it needs, starts the stand-ins, runs the tests in front of each destination, one after the
other, and prints in the end a table: chapters of the story by destination, rows compared and rows wrong. Needs nothing
but Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import servers
from environments import ROOT, made, outer
from results import Result, read, table

PLACES: dict[str, Callable[[Path], AbstractContextManager[dict[str, str]]]] = {
    "duckdb": lambda cache: nullcontext({}),
    "delta": lambda cache: nullcontext({}),
    "postgres": lambda cache: nullcontext({}),  # the tests start the server themselves
    "bigquery": servers.bigquery,
    "snowflake": servers.snowflake,
}
PATIENCE = 420
"""Seconds that the tests in front of one destination may take; they take one minute."""
WORKERS = 2


def tell(destination: str, cache: Path) -> Result:
    """Runs the tests in front of one destination."""
    report = cache / f"{destination}.xml"
    report.unlink(missing_ok=True)
    try:
        python = made(cache / "client", "destinations", project=True)
        with PLACES[destination](cache) as where:
            # the drivers leave sockets to the garbage collector when a load fails
            quiet = ["-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
            tests = ["tests/destinations", "-k", destination, "-n", str(WORKERS), f"--junitxml={report}"]
            command = [str(python), "-m", "pytest", *tests, "-q", "-rs", "-p", "no:cacheprovider", *quiet]
            subprocess.run(command, cwd=ROOT, env={**outer(), **where}, timeout=PATIENCE, check=False)
    except (subprocess.SubprocessError, RuntimeError) as error:
        return Result(destination, f"ended early: {error}")
    if not report.exists():
        return Result(destination, "no test was run")
    return read(destination, report)


def main() -> int:
    """Exit code 0 when all destinations that were asked for passed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python tests/destinations", description=__doc__.splitlines()[0])
    parser.add_argument(
        "destinations", nargs="*", metavar="DESTINATION", help=f"one of {', '.join(PLACES)}; all if none"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "claude-code-analytics-destinations",
        help="folder for the environments and logs (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.destinations if name not in PLACES]:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(PLACES)}")
    cache: Path = arguments.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    results = [tell(name, cache) for name in arguments.destinations or PLACES]
    sys.stdout.write("\n" + "\n".join(table(results)) + "\n")
    return int(any(each.verdict != "passed" for each in results))


if __name__ == "__main__":
    sys.exit(main())
