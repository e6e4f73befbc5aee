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
    assert re.search(r'<th scope="col"><button type="button">Sessions</button></th>', elements)
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", elements)


def test_a_violation_of_the_policy_would_be_seen(awkward: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    page = page_of(awkward)
    (tmp_path / PAGE).write_text(page.html.replace("</main>", '<img src="https://example.test/x.png"></main>'))

    assert "Content Security Policy" in chromium(tmp_path / PAGE, "--dump-dom")[1]


def test_every_chart_has_ink_and_the_page_prints(awkward: World, page_of: Callable[..., Page], tmp_path: Path) -> None:
    page = page_of(awkward)
    charts = re.findall(r'<figure class="(?:wide|narrow)"[^>]*><svg.*?</svg>', page.html, re.DOTALL)
    assert len(charts) == 12
    for chart in charts:
        assert re.search(r'(fill|stroke)="var\(--accent\)"', chart)
        assert not re.search(r'(fill|stroke)="#', chart), "a colour that is no variable of the page"

    pdf = tmp_path / "page.pdf"
    chromium(tmp_path / PAGE, f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_size < 3_000_000
