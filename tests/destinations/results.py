"""Results of the tests of each destination, from pytest's own report, as one table."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Properties of a test in the report.
COMPARED, WRONG = "rows compared", "rows wrong"
_FAILED, _SKIPPED = "failed", "skipped"


@dataclass
class Outcome:
    """Outcome of one test, over all its parameters.

    Attributes:
        counts: Rows that were compared, and rows that were wrong.
        ended: The verdicts of parameters that did not pass.
    """

    counts: Counter[str] = field(default_factory=Counter)
    ended: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        """Returns the cell of the table."""
        if self.ended == {_SKIPPED} and not self.counts[COMPARED]:
            return _SKIPPED
        rows = f"{self.counts[COMPARED]:,} / {self.counts[WRONG]:,}"
        return f"{rows} {_FAILED}" if _FAILED in self.ended else rows


@dataclass(frozen=True)
class Result:
    """Result of one destination.

    Attributes:
        destination: Its name.
        verdict: One word, or why it ended early.
        tests: Number of tests.
        seconds: Their duration.
        outcomes: By test.
    """

    destination: str
    verdict: str
    tests: int = 0
    seconds: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def read(destination: str, report: Path) -> Result:
    """Reads the result from a report of pytest (JUnit's XML)."""
    suite = next(ET.parse(report).iter("testsuite"))  # noqa: S314
    tests, failures, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
    outcomes: dict[str, Outcome] = {}
    for case in suite.iter("testcase"):
        name = (case.get("name") or "").split("[")[0].removeprefix("test_").replace("_", " ")
        outcome = outcomes.setdefault(name, Outcome())
        for each in case.iter("property"):
            if each.get("name") in (COMPARED, WRONG):
                outcome.counts[str(each.get("name"))] += int(each.get("value", 0))
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.ended.add(_FAILED)
        elif case.find("skipped") is not None:
            outcome.ended.add(_SKIPPED)
    verdict = _FAILED if failures or errors else _SKIPPED if skipped or not tests else "passed"
    return Result(destination, verdict, tests - skipped, float(suite.get("time", 0)), outcomes)


def table(results: Sequence[Result]) -> list[str]:
    """Formats a table: tests by destination, `rows compared / rows wrong`; number, seconds and verdict below.

    A test that compares nothing, and passed, is only counted.
    """
    shown = {name for each in results for name, outcome in each.outcomes.items() if outcome.counts or outcome.ended}
    rows = [[name, *(str(result.outcomes.get(name, "-")) for result in results)] for name in sorted(shown)]
    total = [sum((outcome.counts for outcome in result.outcomes.values()), Counter[str]()) for result in results]
    rows.append(["all", *(f"{counts[COMPARED]:,} / {counts[WRONG]:,}" for counts in total)])
    below = [
        ["tests", *(str(result.tests) for result in results)],
        ["seconds", *(f"{result.seconds:.1f}" for result in results)],
        ["result", *(result.verdict if " " not in result.verdict else "ended early" for result in results)],
    ]
    head = ["rows compared / rows wrong", *(result.destination for result in results)]
    widths = [max(map(len, column)) for column in zip(head, *rows, *below, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
        for row in (head, rule, *rows, rule, *below)
    ]
    return lines + [f"{each.destination}: {each.verdict}" for each in results if " " in each.verdict]
