"""Parts of pages that the product's tables decide: `python tests/docs/test_generated.py` writes them anew."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import claude_code_analytics as claude_code_analytics_package
import claude_code_pipelines
from claude_code_analytics import claude_code_analytics
from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.config import SourceConfig
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


def parameters() -> Iterator[str]:
    """Yields the parameters of the source with their defaults."""
    described = re.split(r"^ {4}(\w+): ", inspect.getdoc(claude_code_analytics) or "", flags=re.MULTILINE)[1:]
    yield from ("| parameter | default | meaning |", "|---|---|---|")
    for name, text in zip(described[::2], described[1::2], strict=True):
        default = getattr(SourceConfig, name, None)
        shown = f"`{default}`" if isinstance(default, (str, int)) else ""
        if name not in ("config", "ConfigurationError"):
            yield f"| `{name}` | {shown} | {' '.join(text.partition('Returns:')[0].split())} |"


def errors() -> Iterator[str]:
    """Yields the public errors."""
    yield from ("| error | meaning |", "|---|---|")
    for module in (claude_code_analytics_package, claude_code_pipelines):
        for name in module.__all__:
            found = getattr(module, name)
            if isinstance(found, type) and issubclass(found, Exception):
                yield f"| `{name}` | {(inspect.getdoc(found) or '').split(chr(10) * 2)[0].replace(chr(10), ' ')} |"


def columns() -> Iterator[str]:
    """Yields the columns of each table."""
    for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger):
        yield from (f"### `{table.name}`", "", table.description, "", "| column | type | meaning |", "|---|---|---|")
        yield from (f"| `{column.name}` | {column.data_type} | {column.description} |" for column in table.columns)
        yield ""


# By page and the mark before a generated part, its lines.
PARTS: dict[tuple[str, str], Callable[[], Iterator[str]]] = {
    ("docs/explanation.md", "left out"): left_out,
    ("docs/operations.md", "day kinds"): day_kinds,
    ("docs/reference.md", "columns"): columns,
    ("docs/reference.md", "errors"): errors,
    ("docs/reference.md", "parameters"): parameters,
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


def part(mark: str) -> re.Pattern[str]:
    """Returns the pattern of a generated part."""
    return re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- end -->)", re.DOTALL)


@pytest.mark.parametrize(("page", "mark"), PARTS)
def test_generated_parts_of_pages_are_those_of_the_product(page: str, mark: str) -> None:
    assert part(mark).findall((ROOT / page).read_text()) == ["\n".join([*PARTS[page, mark](), ""])]


def test_the_panels_of_the_dashboard_are_described_by_the_catalog() -> None:
    assert DASHBOARD.read_text() == dashboard()


def test_every_kind_of_day_has_its_meaning() -> None:
    assert set(DAY_KINDS) == set(KINDS)


if __name__ == "__main__":
    for (page, mark), lines in PARTS.items():
        text = "\n".join([*lines(), ""])
        (ROOT / page).write_text(part(mark).sub(lambda _, text=text: text, (ROOT / page).read_text(), count=1))
    DASHBOARD.write_text(dashboard())
