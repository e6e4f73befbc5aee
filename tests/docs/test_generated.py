"""Parts of pages that the product's tables decide: `python tests/docs/test_generated.py` writes them anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from claude_code_pipelines.metrics.catalog import MEASURES, VIEWS
from claude_code_pipelines.metrics.explanations import DAY_KINDS, LEFT_OUT
from claude_code_pipelines.status import KINDS

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "docs" / "grafana.json"


def catalog() -> Iterator[str]:
    """Yields the measures and views."""
    yield from ("| measure | meaning |", "|---|---|")
    for name, meaning in MEASURES.items():
        yield f"| `{name}` | {meaning} |"
    for view in VIEWS:
        yield from ("", f"## `{view.name}`", "", view.description)
        if view.grain:
            yield f"One row per organization, {', '.join(f'`{name}`' for name in view.grain)}."
        yield from (["", view.caveat] if view.caveat else [])
        yield from ("", "| column | meaning |", "|---|---|")
        measures = [name for name in view.meanings if name in MEASURES]
        for name, meaning in view.meanings.items():
            if name not in measures or name in view.columns:
                yield f"| `{name}` | {meaning} |"
        if measures:
            named = "all measures" if measures == list(MEASURES) else ", ".join(f"`{name}`" for name in measures)
            yield f"| {named} | as above |"


def day_kinds() -> Iterator[str]:
    """Yields the kinds of days."""
    yield from ("| day | meaning |", "|---|---|")
    yield from (f"| {kind} | {meaning} |" for kind, meaning in DAY_KINDS.items())


def left_out() -> Iterator[str]:
    """Yields the facts that the API leaves out."""
    yield from (f"- {fact}" for fact in LEFT_OUT)


# By page, the mark before its generated part, and the lines.
PARTS: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "docs/explanation.md": ("left out", left_out),
    "docs/operations.md": ("day kinds", day_kinds),
    "docs/views.md": ("catalog", catalog),
}


def dashboard() -> str:
    """Returns the dashboard, each panel with the description of the view that it reads."""
    board = json.loads(DASHBOARD.read_text())
    views = {view.name: view for view in VIEWS}
    for panel in board["panels"]:
        name = re.findall(r"\bclaude_code_\w+", panel["targets"][0]["rawSql"])[0]
        panel["description"] = f"{views[name].comment} View: {name}"
    return json.dumps(board, indent=2) + "\n"


def generated(page: str) -> tuple[re.Pattern[str], str]:
    """Returns the pattern of a page's generated part, and its text."""
    mark, lines = PARTS[page]
    return re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- end -->)", re.DOTALL), "\n".join([*lines(), ""])


@pytest.mark.parametrize("page", PARTS)
def test_generated_parts_of_pages_are_those_of_the_product(page: str) -> None:
    pattern, text = generated(page)

    assert pattern.findall((ROOT / page).read_text()) == [text]


def test_the_panels_of_the_dashboard_are_described_by_the_catalog() -> None:
    assert DASHBOARD.read_text() == dashboard()


def test_every_kind_of_day_has_its_meaning() -> None:
    assert set(DAY_KINDS) == set(KINDS)


if __name__ == "__main__":
    for page in PARTS:
        pattern, text = generated(page)
        (ROOT / page).write_text(pattern.sub(lambda _, text=text: text, (ROOT / page).read_text()))
    DASHBOARD.write_text(dashboard())
