"""The page away from home: where its host blocks or removes style and script, and on paper."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from unicodedata import normalize

import pytest
from pypdf import PdfReader

from claude_code_analytics.dates import DayRange
from claude_code_simulator import model_usage, record
from report.browser import DARK, NEEDS_BROWSER, chromium, viewed, without_policy
from report.conftest import PAGE, Page
from support.world import TODAY, World

pytestmark = NEEDS_BROWSER

ACCENT = "rgb(47, 85, 192)"
BLACK = "rgb(0, 0, 0)"
# The policy of Jenkins for the files of a build.
BLOCKED = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'self'\">"


def blocked(html: str) -> str:
    return html.replace('<meta charset="utf-8">', f'<meta charset="utf-8">{BLOCKED}')


def stripped(html: str) -> str:
    return re.sub(r"<(style|script)\b.*?</\1>", "", without_policy(html), flags=re.DOTALL)


def on_paper(html: str) -> str:
    """Returns a page that looks on a screen as it does on paper."""
    return stripped(html).replace(
        "</head>",
        "<style>"
        + re.findall(r"<style>(.*?)</style>", html, re.DOTALL)[0]
        .replace("@media screen", "@media speech")
        .replace("@media print", "@media all")
        + "</style></head>",
    )


def in_order(html: str, text: str) -> Iterator[tuple[str, int]]:
    """Yields titles and sentences outside folded parts, and where they are in a text."""
    unfolded = re.sub(r"(<summary>.*?</summary>).*?</details>", r"\1", html, flags=re.DOTALL)
    plain = " ".join(text.split())
    place = 0
    for found in re.findall(r'<(?:h[123]|dt|summary|p class="sentence")>([^<]+)<', unfolded):
        wanted = " ".join(unescape(found).split())
        place = plain.find(wanted, place)
        yield wanted, place


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("changed", [blocked, stripped])
def test_without_style_and_script_all_is_there_once_and_in_order(
    awkward: World, page_of: Callable[..., Page], tmp_path: Path, changed: Callable[[str], str], width: int
) -> None:
    html = page_of(awkward).html
    view = viewed(changed(html), tmp_path, width)

    assert view.paper == "rgba(0, 0, 0, 0)", "it has a style"
    assert "Download CSV" not in view.text, "the script ran"
    places = [*in_order(html, view.text)]
    assert len(places) > 30
    assert [wanted for wanted, place in places if place < 0] == []
    assert view.gap < 100

    labels = [chart["label"] for chart in view.charts]
    assert len({*labels}) == len(labels)
    for chart in view.charts:
        assert chart["width"] == pytest.approx(600, abs=30)
        assert ACCENT in chart["paints"]
        assert BLACK not in chart["paints"]
    for table in view.tables.values():
        assert table["columns"] == table["all"]
        assert table["rows"]
        assert table["widths"] == 1
        assert table["caption"]


def test_paper_has_all_columns_and_500_rows_and_no_controls(
    many: World, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    html = page_of(many).html
    view = viewed(on_paper(html), tmp_path, 760, DARK)
    assert [wanted for wanted, place in in_order(html, view.text) if place < 0] == []
    assert len(view.tables) == html.count("<table ")
    for table in view.tables.values():
        assert table["columns"] == table["all"]
        assert table["uncut"]
    assert view.tables["table-people"]["rows"] == 500
    assert view.tables["table-active_days"]["rows"] > 50
    assert view.paper == "rgb(255, 255, 255)"
    assert view.over == 0
    for chart in view.charts:
        assert chart["uncut"]
        assert ACCENT in chart["paints"]


@pytest.fixture
def many(empty: World) -> World:
    """Ten weeks of two people, and 520 of them on the last day."""
    last = TODAY - dt.timedelta(days=1)
    first = last - dt.timedelta(days=69)
    for day in DayRange(first, last).days():
        count = 520 if day == last else 2
        people = (f"person{number:03}@example.test" for number in range(count))
        empty.write(
            day,
            *(
                record(day, email=email, models=[model_usage("m", cents=9000 - number)])
                for number, email in enumerate(people)
            ),
        )
    empty.backfill(first, last, window_days=90)
    return empty


def test_the_pdf_repeats_titles_and_is_light(many: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    page = page_of(many)
    chromium(tmp_path / PAGE, f"--print-to-pdf={tmp_path / 'page.pdf'}", "--no-pdf-header-footer", DARK)
    pages = PdfReader(tmp_path / "page.pdf").pages
    texts = [" ".join(normalize("NFKC", each.extract_text()).split()) for each in pages]
    text = " ".join(texts)

    people = re.findall(r"person\d{3}@example\.test", text)
    listed = [row[0] for row in page.tables["people"][1:501]]
    start = people.index(listed[0])
    assert people[start : start + 500] == listed
    assert "person510@example.test" not in text
    assert "Printed: the first 500 of 520 rows." in text
    with_people = [each for each in texts if each.count("@example.test") > 5]
    assert len(with_people) > 5
    assert all("Last active" in each for each in with_people)
    assert len(re.findall(r"Total . 1,722 ", text)) == 1, "once below the table"

    for day in page.column("active_days", "Day is"):
        assert day in text
    assert not re.search("Download CSV|[↕↓]", text)
    (chart,) = [each for each in texts if "28 days 7 days" in each]
    assert "1 day" in chart

    drawn = "".join(each.get_contents().get_data().decode("latin-1") for each in pages)
    assert ".1843 .3333 .7529 rg" in drawn
    assert ".5608 .6784 1 rg" not in drawn, "the accent of the dark"
    assert (tmp_path / "page.pdf").stat().st_size < 3_000_000
