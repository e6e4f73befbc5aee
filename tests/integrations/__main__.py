"""Runs the tests of each integration in an environment of its own: `python tests/integrations [NAME ...]`.

Makes the environments that it needs, and prints a verdict for each at the end. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # the package is `integrations`, as in the tests

from integrations import ENVIRONMENTS  # noqa: E402
from support.environments import ROOT, make_environment, outer_variables  # noqa: E402

# Seconds that the tests of one integration may take; they take one minute.
PATIENCE = 300


def run_tests(name: str, cache: Path) -> str:
    """Runs the tests of one integration; returns the verdict."""
    start = time.monotonic()
    try:
        python = make_environment(cache / name, name, project=True)
        # the warnings of other programs are theirs
        options = ["-q", "-rs", "-n", "2", "-m", "", "-W", "ignore", "-p", "no:cacheprovider"]
        command = [str(python), "-m", "pytest", f"tests/integrations/test_{name}.py", *options]
        ran = subprocess.run(command, cwd=ROOT, env=outer_variables(), timeout=PATIENCE, check=False)
    except subprocess.SubprocessError as error:
        return f"ended early: {error}"
    return f"{'failed' if ran.returncode else 'passed'} ({time.monotonic() - start:.0f} s)"


def main() -> int:
    """Returns exit code 0 if all chosen integrations passed, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python tests/integrations", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(ENVIRONMENTS)}; all if none")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "claude-code-analytics-integrations",
        help="folder for the environments (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in ENVIRONMENTS]:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(ENVIRONMENTS)}")
    cache: Path = arguments.cache.resolve()
    verdicts = {name: run_tests(name, cache) for name in arguments.names or ENVIRONMENTS}
    sys.stdout.write("\n" + "\n".join(f"{name}: {verdict}" for name, verdict in verdicts.items()) + "\n")
    return int(not all(verdict.startswith("passed") for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main())
