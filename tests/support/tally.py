"""A pytest plugin: tests count what happened, and the run prints it as a table at its end, over all workers.

`tests/conftest.py` loads it: under xdist the process that prints collects no tests, and sees no deeper `conftest.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

Ending = tuple[str, str, str, str]
"""Family of faults, fault, where it happened, how it ended."""

FUZZ = "fuzz"
"""The family of bodies that are no fault of the catalogue; not counted among all."""

_KEY = "tally"
_COUNTED = pytest.StashKey[Counter[Any]]()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[list[Ending]]:
    """Where a test notes how each of its faults ended; counted when the test is over."""
    noted: list[Ending] = []
    yield noted
    request.config.stash.setdefault(_COUNTED, Counter()).update(noted)


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
    for *key, count in getattr(node, "workeroutput", {}).get(_KEY, []):
        counts[tuple(key)] += count


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the table, one line for each family."""
    counts = config.stash.get(_COUNTED, Counter())
    if not counts:
        return
    terminalreporter.section("faults, and how they ended")
    head = ("family", "faults", "places", "runs", "exact", "ended with the named error")
    faults = {key: count for key, count in counts.items() if key[0] != FUZZ}
    rows = [head, *(_row(family, faults) for family in sorted({key[0] for key in faults}))]
    rows += [_row(None, faults)] if faults else []
    rows += [_row(FUZZ, counts)] if len(faults) < len(counts) else []
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        numbers = "  ".join(cell.rjust(width) for cell, width in zip(row[1:5], widths[1:], strict=True))
        terminalreporter.write_line(f"{row[0]:<{widths[0]}}  {numbers}  {row[5]}".rstrip())


def _row(family: str | None, counts: Mapping[Any, int]) -> tuple[str, ...]:
    """The counts of one family, or of all."""
    own = {key: count for key, count in counts.items() if family in (None, key[0])}
    endings: Counter[str] = Counter()
    for key, count in own.items():
        endings[key[3]] += count
    exact = endings.pop("exact", 0)
    errors = ", ".join(f"{error} {count:,}" for error, count in endings.most_common())
    numbers = (len({key[1] for key in own}), len({key[1:3] for key in own}), sum(own.values()), exact)
    return (family or "in all", *(f"{number:,}" for number in numbers), errors)
