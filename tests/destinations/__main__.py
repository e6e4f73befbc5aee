"""Runs the tests of each destination: `python tests/destinations [duckdb delta postgres bigquery snowflake]`.

Makes the environments that it needs, starts the stand-ins, and prints a verdict for each at the end. Needs nothing but
Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the package is `destinations`, as in the tests

from destinations import servers  # noqa: E402
from support.environments import ROOT, make_environment, outer_variables  # noqa: E402

SERVERS: dict[str, Callable[[Path], AbstractContextManager[dict[str, str]]]] = {
    "duckdb": lambda cache: nullcontext({}),
    "delta": lambda cache: nullcontext({}),
    "postgres": lambda cache: nullcontext({}),  # the tests start the server themselves
    "bigquery": servers.bigquery,
    "snowflake": servers.snowflake,
}
# Seconds that the tests of one destination may take; they take one minute.
PATIENCE = 420
WORKERS = 2


def run_tests(destination: str, cache: Path) -> str:
    """Runs the tests of one destination; returns the verdict."""
    try:
        python = make_environment(cache / "client", "destinations", project=True)
        with SERVERS[destination](cache) as address:
            # the drivers leave sockets to the garbage collector when a load fails
            quiet = ["-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
            tests = ["tests/destinations", "-k", destination, "-m", "", "-n", str(WORKERS)]
            command = [str(python), "-m", "pytest", *tests, "-q", "-rs", "-p", "no:cacheprovider", *quiet]
            ran = subprocess.run(command, cwd=ROOT, env={**outer_variables(), **address}, timeout=PATIENCE, check=False)
    except (subprocess.SubprocessError, RuntimeError) as error:
        return f"ended early: {error}"
    return "failed" if ran.returncode else "passed"


def main() -> int:
    """Returns exit code 0 if all chosen destinations passed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python tests/destinations", description=__doc__.splitlines()[0])
    parser.add_argument(
        "destinations", nargs="*", metavar="DESTINATION", help=f"one of {', '.join(SERVERS)}; all if none"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "claude-code-analytics-destinations",
        help="folder for the environments and logs (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.destinations if name not in SERVERS]:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(SERVERS)}")
    cache: Path = arguments.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    verdicts = {name: run_tests(name, cache) for name in arguments.destinations or SERVERS}
    sys.stdout.write("\n" + "\n".join(f"{name}: {verdict}" for name, verdict in verdicts.items()) + "\n")
    return int(set(verdicts.values()) != {"passed"})


if __name__ == "__main__":
    sys.exit(main())
