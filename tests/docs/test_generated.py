"""Parts of pages that the product's tables decide: `UPDATE_DOCS=1 pytest tests/docs/test_generated.py` writes them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from claude_code_pipelines.metrics.catalog import MEASURES, VIEWS
from claude_code_pipelines.metrics.explanations import DAY_KINDS, LEFT_OUT
from claude_code_pipelines.status import KINDS
from support import reference
from support.imports import ROOT

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


# The lines of each generated part, by page and the mark before it.
PARTS: dict[tuple[str, str], Callable[[], Iterator[str]]] = {
    ("docs/explanation.md", "left out"): left_out,
    ("docs/glossary.md", "day kinds"): day_kinds,
    ("docs/operations.md", "day kinds"): day_kinds,
    ("docs/reference.md", "commands"): reference.command_lines,
    ("docs/reference.md", "options"): reference.option_lines,
    ("docs/reference.md", "exit codes"): reference.exit_code_lines,
    ("docs/reference.md", "variables"): reference.variable_lines,
    ("docs/reference.md", "parameters"): reference.parameter_lines,
    ("docs/reference.md", "python"): reference.python_lines,
    ("docs/reference.md", "errors"): reference.error_lines,
    ("docs/reference.md", "tables"): reference.table_lines,
    ("docs/reference.md", "measures"): reference.measure_lines,
    ("docs/views.md", "catalog"): catalog,
}


def dashboard() -> str:
    """Returns the dashboard, each panel with the description of the view that it reads."""
    board = json.loads(DASHBOARD.read_text())
    views = {view.name: view for view in VIEWS}
    for panel in board["panels"]:
        name = re.findall(r"\bclaude_code_\w+", panel["targets"][0]["rawSql"])[0]
        panel["description"] = f"{views[name].comment} View: {name}"
    return json.dumps(board, indent=2) + "\n"


def check(file: Path, text: str) -> None:
    """Compares a file with what the product says, and writes it anew if that is wanted."""
    found = file.read_text()
    if os.environ.get("UPDATE_DOCS"):
        file.write_text(text)
    assert found == text


@pytest.mark.parametrize(("page", "mark"), PARTS)
def test_generated_parts_of_pages_are_those_of_the_product(page: str, mark: str) -> None:
    text = "\n".join([f"<!-- {mark} -->", *PARTS[page, mark](), "<!-- end -->"])
    part = re.compile(rf"<!-- {mark} -->\n.*?<!-- end -->", re.DOTALL)
    written, number = part.subn(lambda _: text, (ROOT / page).read_text())

    assert number == 1
    check(ROOT / page, written)


def test_the_panels_of_the_dashboard_are_described_by_the_catalog() -> None:
    check(DASHBOARD, dashboard())


def test_every_kind_of_day_has_its_meaning() -> None:
    assert set(DAY_KINDS) == set(KINDS)
