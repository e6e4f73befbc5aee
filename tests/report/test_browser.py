"""The page in headless Chromium: silent console, room on every screen, sorting, and the download of its tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from report.browser import DARK, NEEDS_BROWSER, chromium, viewed, without_policy
from report.conftest import PAGE, Page
from support.world import World

pytestmark = NEEDS_BROWSER


def test_the_script_runs_silently_and_adds_search_and_sorting(
    awkward: World, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    page_of(awkward)
    elements, log = chromium(tmp_path / PAGE, "--dump-dom")

    assert "CONSOLE" not in log, log
    assert elements.count('type="search"') == 2  # people and keys
    assert '<th scope="col"><button type="button">Sessions</button></th>' in elements
    assert '<th scope="col" aria-sort="descending"><button type="button">Cost</button></th>' in elements
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", elements)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_off_the_right_edge_and_money_is_above_400_pixels(
    awkward: World, page_of: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    people = [row[0] for row in awkward.sql("SELECT DISTINCT actor__email_address FROM claude_code_usage") if row[0]]
    teams = {person.strip().lower(): "a team of some length" for person in people}
    (tmp_path / "teams.csv").write_text("email,team\n" + "".join(f'"{each}",{team}\n' for each, team in teams.items()))
    view = viewed(page_of(awkward, "--team-map", "teams.csv").html, tmp_path, width)
    assert (view.over, view.scrolls) == (0, False)
    assert view.money < 400
    assert view.gap < 200
    for chart in view.charts:
        assert width / 2 < chart["width"] <= min(width - 40, 704)
        assert chart["text"] > 11, "too small to read"


def test_charts_follow_the_dark(awkward: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    view = viewed(page_of(awkward).html, tmp_path, 1280, DARK)
    assert view.paper == "rgb(23, 23, 26)"
    for chart in view.charts:
        assert "rgb(143, 173, 255)" in chart["paints"]
        assert not {"rgb(47, 85, 192)", "rgb(31, 30, 28)", "rgb(0, 0, 0)"} & {*chart["paints"]}


_SORTED = """<script>addEventListener("load", () => {
const table = document.querySelector("#table-people"), heads = [...table.tHead.rows[0].cells];
const place = heads.findIndex((head) => head.textContent === "Sessions");
heads[place].firstChild.click();
const found = [...table.tBodies[0].rows].map((row) => Number(row.cells[place].textContent.replace(",", "")));
const isSorted = found.every((value, row) => row === 0 || found[row - 1] >= value);
document.title = [isSorted, table.tBodies[1].rows[0].cells[0].textContent, table.tFoot.textContent.slice(0, 5)].join();
});</script>"""


def test_sorting_leaves_the_rest_and_the_total_below(
    awkward: World, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    (tmp_path / "bare.html").write_text(without_policy(page_of(awkward).html) + _SORTED)
    elements, _ = chromium(tmp_path / "bare.html", "--dump-dom")
    assert "<title>true,(API keys),Total</title>" in elements


_SAVED = """<pre></pre><script>
URL.createObjectURL = (file) => { file.text().then((text) => {
  document.querySelector("pre").textContent += "[" + text + "]"; }); return "#"; };
HTMLAnchorElement.prototype.click = function () { document.title = this.download; };
addEventListener("load", () => {
  const search = document.querySelector('.tools:has(+ * #table-keys) input');
  search.value = "nothing that is there"; search.dispatchEvent(new Event("input"));
  document.querySelector(".tools:has(+ * #table-keys) button").click();
});</script>"""


def test_the_button_saves_the_file_that_csv_writes(
    awkward: World, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    """It saves all rows, also those that the search hides."""
    html = page_of(awkward, "--csv", "tables").html
    (tmp_path / "bare.html").write_text(without_policy(html).replace("<script>", f"{_SAVED}<script>", 1))
    elements, log = chromium(tmp_path / "bare.html", "--virtual-time-budget=5000", "--dump-dom")
    (file,) = (tmp_path / "tables").glob("claude-code-keys-*.csv")
    assert f"<title>{file.name}</title>" in elements, log
    text = file.read_text().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert text.count("\n") > 3
    assert f"<pre>[{text}]</pre>" in elements


def test_a_violation_of_the_policy_would_be_seen(awkward: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    page = page_of(awkward)
    (tmp_path / PAGE).write_text(page.html.replace("</main>", '<img src="https://example.test/x.png"></main>'))

    assert "Content Security Policy" in chromium(tmp_path / PAGE, "--dump-dom")[1]
