"""The page of the views is the catalog's: `python tests/docs/test_views.py` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from claude_code_pipelines.metrics.catalog import MEASURES, VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "views.md"
CATALOG = re.compile(r"(?<=<!-- catalog -->\n).*?(?=<!-- end -->)", re.DOTALL)


def catalog() -> Iterator[str]:
    """Yields the lines of the page that the catalog decides."""
    yield from ("| measure | meaning |", "|---|---|")
    for name, meaning in MEASURES.items():
        yield f"| `{name}` | {meaning} |"
    for view in VIEWS:
        yield from ("", f"## `{view.name}`", "", view.description)
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


def test_the_page_of_the_views_is_that_of_the_catalog() -> None:
    assert CATALOG.findall(PAGE.read_text()) == ["\n".join([*catalog(), ""])]


if __name__ == "__main__":
    PAGE.write_text(CATALOG.sub(lambda _: "\n".join([*catalog(), ""]), PAGE.read_text()))
