"""Pages that a reader follows from top to bottom: each runs in an empty folder, and shows what its commands print.

`UPDATE_DOCS=1 pytest tests/docs/test_walkthroughs.py` writes the output anew.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from dlt.common.runtime.run_context import RunContext, switched_run_context

from claude_code_analytics import AnalyticsClient
from claude_code_pipelines.cli import commands
from claude_code_simulator import SampleOrganization, SimulatedApi, serve
from support.imports import ROOT
from support.serving import connect_on_this_machine

PAGES = ["docs/tutorial.md", "docs/how-to.md"]
NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.timezone.utc)
# Commands that read take the time from a client, see `cli.options.reading`.
READERS = ("report", "status", "summary")
SIMULATOR = "python -m claude_code_simulator"
CUT = "..."
HOME = "/home/ada"


class Terminal:
    """A reader's terminal on the first of December 2026, with the environment of this process."""

    def __init__(self, patch: pytest.MonkeyPatch, opened: contextlib.ExitStack) -> None:
        self._patch = patch
        self._opened = opened
        self._ports: dict[str, str] = {}
        self._home = Path.cwd()
        patch.setattr(socket.socket, "connect", connect_on_this_machine)
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        for built in (SimulatedApi, AnalyticsClient):
            patch.setitem(built.__init__.__kwdefaults__, "clock", lambda: NOW)  # type: ignore[misc]

    def lines(self, command: str) -> list[str]:
        """Runs a command, and returns the lines that it prints on standard output."""
        text = self._run(command).replace(str(self._home), HOME)
        return [line.rstrip() for line in text.rstrip().splitlines()]

    def _run(self, line: str) -> str:
        if line.startswith(SIMULATOR):
            return self._serve(line)
        for shown, port in self._ports.items():
            line = line.replace(shown, port)
        program, *arguments = shlex.split(line, comments=True)
        if program == "claude-code-analytics":
            reader = AnalyticsClient(api_key="nobody") if arguments[0] in READERS else None
            ran = CliRunner().invoke(commands, arguments, obj=reader)
            assert ran.exit_code == 0, ran.output
            return ran.stdout
        if program == "export":
            self._patch.setenv(*arguments[0].split("=", 1))
            return ""
        if program == "cd":
            self._patch.chdir(arguments[0])
            self._opened.enter_context(switched_run_context(RunContext(os.getcwd())))
            return ""
        ran = subprocess.run(  # noqa: S603
            ["bash", "-c", line],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def _serve(self, line: str) -> str:
        """Serves the sample organization on a free port, in the place of the one in the command."""
        api = SimulatedApi(SampleOrganization())
        shown = f"127.0.0.1:{line.split()[-1]}"
        self._ports[shown] = self._opened.enter_context(serve(api)).removeprefix("http://")
        return f"http://{shown}  x-api-key: {api.credentials.admin_key}"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    with contextlib.ExitStack() as opened:
        yield Terminal(monkeypatch, opened)


def excerpt(printed: list[str], shown: list[str]) -> list[str]:
    """Returns the printed lines that a page shows: all, none, or as many as it shows between cuts."""
    if CUT not in shown:
        return printed if shown else []
    kept = [line for line in shown if line != CUT]
    start = printed.index(kept[0]) if kept[0] in printed else 0
    end = start + len(kept)
    return [*[CUT] * (start > 0), *printed[start:end], *[CUT] * (end < len(printed))]


def with_output(block: str, terminal: Terminal) -> str:
    """Runs the commands of a block, and returns it with their output."""
    written = []
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
        written += [f"$ {command}", *excerpt(terminal.lines(command), shown.splitlines())]
    return "\n".join([*written, ""])


def follow(text: str, terminal: Terminal) -> str:
    """Runs the commands of a page and saves its scripts, whose first line is their name; returns it with output."""

    def do(block: re.Match[str]) -> str:
        language, content = block.groups()
        name = re.match(r"# (\w+\.py)\n", content)
        if name:
            Path(name[1]).write_text(content)
        return f"```{language}\n{with_output(content, terminal) if language == 'console' else content}```"

    return re.sub(r"^```(\w+)\n(.*?)^```$", do, text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_print(page: str, terminal: Terminal) -> None:
    text = (ROOT / page).read_text()

    written = follow(text, terminal)

    if os.environ.get("UPDATE_DOCS"):
        (ROOT / page).write_text(written)
    assert text == written
