"""Headless Chromium with the network off: what it logs, prints and shows of a page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: apt-get install chromium brings one"),
]
DARK = "--blink-settings=preferredColorScheme=0"
# The host's frame measures a page whose own scripts do not run.
_HOST = """<iframe width="{width}" height="900" style="border: 0"></iframe><pre></pre><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument, view = frame.contentWindow, all = (what) => [...page.querySelectorAll(what)];
  const seen = (each) => each.checkVisibility() && each.getBoundingClientRect().height > 1;
  const styled = (each) => view.getComputedStyle(each);
  const paints = (each) => [styled(each).fill, styled(each).stroke].filter((one) => one !== "none");
  const beyond = (each) => seen(each) && each.getBoundingClientRect().right > frame.width * 1 + 1;
  const heights = (texts) => texts.filter((one) => one.textContent).map((one) => one.getBoundingClientRect().height);
  const shapes = "figure svg :is(path, text, line, rect, circle)";
  const inked = (each) => !each.matches(shapes) || paints(each).some((one) => one !== "rgb(252, 251, 249)");
  const boxes = all(`h1, h2, h3, p, dt, dd, th, td, li, summary, caption, ${{shapes}}`).filter(seen).filter(inked)
    .map((each) => each.getBoundingClientRect()).sort((a, b) => a.top - b.top);
  let bottom = 0, gap = 0;
  for (const box of boxes) {{ gap = Math.max(gap, box.top - bottom); bottom = Math.max(bottom, box.bottom); }}
  document.querySelector("pre").textContent = JSON.stringify({{
    text: page.body.innerText,
    gap, over: all("body *").filter(beyond).length,
    scrolls: page.documentElement.scrollWidth > frame.width,
    money: page.querySelector(".answers b").getBoundingClientRect().top,
    paper: styled(page.body).backgroundColor,
    charts: all("figure").filter(seen).filter((each) => each.querySelector(".marks")).map((each) => ({{
      label: each.getAttribute("aria-label"), width: each.querySelector(".marks").getBoundingClientRect().width,
      paints: [...new Set([...each.querySelectorAll("path, text, line, rect")].flatMap(paints))],
      text: Math.min(...heights([...each.querySelectorAll("text")])),
      uncut: styled(each).breakInside === "avoid",
    }})),
    tables: Object.fromEntries(all("table").filter(seen).map((table) => [table.id, {{
      caption: table.caption.textContent, columns: [...table.tHead.rows[0].cells].filter(seen).length,
      all: table.tHead.rows[0].cells.length, rows: [...table.tBodies[0].rows].filter(seen).length,
      widths: new Set([...table.rows].map((row) => [...row.cells].filter(seen).length)).size,
      uncut: [...table.rows].every((row) => styled(row).breakInside === "avoid"),
    }}])),
  }});
}};
frame.src = "{page}";
</script>"""


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


@dataclass
class View:
    """What a reader sees of a page.

    Attributes:
        text: Its text, in the order of reading.
        gap: Height of the largest part without text or ink, in pixels.
        over: Number of elements beyond the right edge.
        scrolls: Whether the page scrolls to the right.
        money: Top of the first large number.
        paper: Colour of the background.
        charts: By chart, its label, width, colours, height of its smallest text, and whether it stays on one sheet.
        tables: By id, caption, visible columns of all, visible rows, and how it breaks between sheets.
    """

    text: str
    gap: float
    over: int
    scrolls: bool
    money: float
    paper: str
    charts: list[dict[str, Any]]
    tables: dict[str, dict[str, Any]]


def viewed(html: str, folder: Path, width: int, *options: str) -> View:
    """Returns what a browser shows of a page, which must have text, charts and tables."""
    (folder / "viewed.html").write_text(html, encoding="utf-8")
    host = folder / "host.html"
    host.write_text(_HOST.format(width=width, page="viewed.html"), encoding="utf-8")
    screen = ("--allow-file-access-from-files", "--window-size=1400,1000", "--virtual-time-budget=5000", "--dump-dom")
    elements, _ = chromium(host, *screen, *options)
    found = re.search(r"<pre>(.+?)</pre>", elements, re.DOTALL)
    assert found, "the page was not shown"
    view = View(**json.loads(unescape(found[1])))
    assert len(view.text) > 2000
    assert len(view.charts) > 3
    assert len(view.tables) > 5
    return view


def without_policy(html: str) -> str:
    """Returns a page that may be changed."""
    found, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert count == 1
    return found
