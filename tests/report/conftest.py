"""A report of an awkward organization, its page parsed, and the command line in front of it."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from claude_code_pipelines.cli import commands
from claude_code_simulator import ScriptedOrganization
from metrics.awkward import awkward_days
from support.world import TODAY, World

ORGANIZATION = "11111111-0000-4000-8000-000000000001"
FIRST = TODAY - dt.timedelta(days=75)
PAGE = "claude-code-report.html"
# Elements within a text.
_WITHIN = ("b", "small")


class Page(HTMLParser):
    """A page as a reader without script sees it.

    Attributes:
        tables: By name, rows of texts; the first has the titles.
        answers: By label, the texts of the first screen below it: answers, and the few headline numbers.
        tags: Names of all elements, in order.
        attributes: Name and value of all attributes.
        texts: By element, the contents of `style` and `script`.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.answers: dict[str, list[str]] = {}
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self._open = self._rows = self._label = None
        self.html = file.read_text(encoding="utf-8")
        self.feed(self.html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]
        given = dict(attributes)
        self._open = self._open if tag in _WITHIN else tag
        if tag == "table":
            self._rows = self.tables.setdefault((given.get("id") or "").removeprefix("table-"), [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in ("th", "td") and self._rows is not None:
            self._rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open if tag in _WITHIN else None
        if tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        if self._open in ("style", "script"):
            self.texts[self._open] = self.texts.get(self._open, "") + data
        elif self._open in ("th", "td") and self._rows is not None:
            self._rows[-1][-1] += data.strip("\n")
        elif self._open == "dt":
            self._label = data
        elif self._open == "dd" and self._label:
            self.answers.setdefault(self._label, []).append(data)

    def sentence(self, title: str) -> str:
        """Returns the sentence of the panel whose title begins so."""
        found = re.search(rf'>{title}(?:, [^<]*)?</(?:h3|summary)><p class="sentence">([^<]*)', self.html)
        assert found, title
        return unescape(found[1])

    @property
    def headlines(self) -> dict[str, list[str]]:
        """By label, the numbers of all headlines: of the period, of the days before, and the change."""
        return {row[0]: row[1:4] for row in self.tables["headlines"][1:]}

    def column(self, table: str, title: str) -> dict[str, str]:
        """Returns a column by the first one."""
        place = self.tables[table][0].index(title)
        return {row[0]: row[place] for row in self.tables[table][1:]}


def number(text: str) -> float | None:
    """Returns what a reader takes a text for."""
    plain = text.replace("$", "").replace(",", "")
    if plain in ("", "–"):  # noqa: RUF001
        return None
    if plain.isdigit():
        return int(plain)
    return float(plain[:-1]) / 100 if plain.endswith("%") else float(plain)


_loaded: list[Path] = []


@pytest.fixture
def awkward(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """An awkward organization of eleven weeks, loaded once."""
    days = awkward_days(FIRST, TODAY, ORGANIZATION, 5)
    world = World(
        tmp_path,
        organization=ScriptedOrganization(days, id=ORGANIZATION),
        database=tmp_path / "claude_code_analytics.duckdb",
    )
    if _loaded:
        shutil.copy(_loaded[0], world.database)
        world.pipeline.sync_destination()
        return world
    world.backfill(FIRST, TODAY, window_days=90)
    _loaded.append(Path(shutil.copy(world.database, tmp_path_factory.mktemp("report"))))
    return world


@pytest.fixture
def empty(tmp_path: Path) -> World:
    """An organization whose days a test writes, in front of the DuckDB file that the command line takes."""
    return World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")


@pytest.fixture
def command() -> Callable[..., Result]:
    """Runs a command by a world's clock."""

    def run(world: World, *arguments: Any) -> Result:
        result = CliRunner().invoke(commands, [str(each) for each in arguments], obj=world.client())
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def page_of(command: Callable[..., Result], tmp_path: Path) -> Callable[..., Page]:
    """Makes the report and parses it."""

    def make(world: World, *arguments: Any) -> Page:
        result = command(world, "report", *arguments)
        assert result.exit_code == 0, result.output
        return Page(tmp_path / PAGE)

    return make
