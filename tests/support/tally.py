"""A pytest plugin: tests count what happened, and the run prints a table at its end, over all workers.

`tests/conftest.py` loads it: under xdist the process that prints collects no tests, and sees no deeper `conftest.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

_KEY = "tally"
_COUNTED = pytest.StashKey[Counter[tuple[str, str]]]()


class Tally:
    """Counts of one test.

    Attributes:
        counts: How often each thing happened, by heading.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, heading: str, what: str, number: int = 1) -> None:
        """Counts."""
        self.counts[heading, what] += number


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Counts of this test; added up when it is over."""
    counted = Tally()
    yield counted
    request.config.stash.setdefault(_COUNTED, Counter()).update(counted.counts)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands a worker's counts to the process that started it."""
    handed = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed[_KEY] = [[*key, count] for key, count in session.config.stash.get(_COUNTED, Counter()).items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes what a worker counted."""
    counts = node.config.stash.setdefault(_COUNTED, Counter())
    for heading, what, count in getattr(node, "workeroutput", {}).get(_KEY, []):
        counts[heading, what] += count


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints one line for each heading."""
    counts = config.stash.get(_COUNTED, Counter())
    if not counts:
        return
    terminalreporter.section("counts")
    for heading in dict.fromkeys(heading for heading, _ in sorted(counts)):
        own = sorted((what, count) for (under, what), count in counts.items() if under == heading)
        terminalreporter.write_line(f"{heading}: {', '.join(f'{what} {count:,}' for what, count in own)}")
