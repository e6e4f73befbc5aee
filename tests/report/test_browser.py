"""The page in headless Chromium with the network off: silent console, charts with ink, a PDF of few pages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from report.conftest import PAGE, Page
from support.world import World

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: apt-get install chromium brings one"),
]


def chromium(page: Path, *options: str) -> tuple[str, str]:
    """Opens a page; returns its elements after the script ran, and what the browser logged."""
    done = subprocess.run(  # noqa: S603
        [
            str(BROWSER),
            *("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={page.parent / 'profile'}"),
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, done.stderr


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


_MEASURED = """<script>addEventListener("load", () => {
const over = [...document.querySelectorAll("body *")].filter((each) =>
  !each.closest("details:not([open]) > :not(summary)") && each.getBoundingClientRect().right > innerWidth + 1);
const top = document.querySelector(".answers b").getBoundingClientRect().top;
parent.document.title = [over.length, document.documentElement.scrollWidth <= innerWidth, top < 400].join(" ");
});</script>"""


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_off_the_right_edge_and_money_is_above_400_pixels(
    awkward: World, page_of: Callable[..., Page], tmp_path: Path, width: int
) -> None:
    people = [row[0] for row in awkward.sql("SELECT DISTINCT actor__email_address FROM claude_code_usage") if row[0]]
    teams = {person.strip().lower(): "a team of some length" for person in people}
    (tmp_path / "teams.csv").write_text("email,team\n" + "".join(f'"{each}",{team}\n' for each, team in teams.items()))
    page = page_of(awkward, "--team-map", "teams.csv")
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.html)
    (tmp_path / "bare.html").write_text(bare + _MEASURED)
    frame = tmp_path / "frame.html"
    frame.write_text(f'<iframe src="bare.html" width="{width}" height="900" style="border: 0"></iframe>')
    elements, _ = chromium(
        frame, "--allow-file-access-from-files", "--window-size=1400,1000", "--virtual-time-budget=5000", "--dump-dom"
    )
    assert "<title>0 true true</title>" in elements


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
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page_of(awkward).html)
    (tmp_path / "bare.html").write_text(bare + _SORTED)
    elements, _ = chromium(tmp_path / "bare.html", "--dump-dom")
    assert "<title>true,(API keys),Total</title>" in elements


def test_a_violation_of_the_policy_would_be_seen(awkward: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    page = page_of(awkward)
    (tmp_path / PAGE).write_text(page.html.replace("</main>", '<img src="https://example.test/x.png"></main>'))

    assert "Content Security Policy" in chromium(tmp_path / PAGE, "--dump-dom")[1]


def test_every_chart_has_ink_and_the_page_prints(awkward: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    page = page_of(awkward)
    charts = re.findall(r'<figure class="(?:wide|narrow)"[^>]*><svg.*?</svg>', page.html, re.DOTALL)
    assert len(charts) == 10
    for chart in charts:
        assert re.search(r'(fill|stroke)="var\(--(accent|c0)\)"', chart)
        assert not re.search(r'(fill|stroke)="#', chart), "a colour that is no variable of the page"

    pdf = tmp_path / "page.pdf"
    chromium(tmp_path / PAGE, f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_size < 3_000_000
