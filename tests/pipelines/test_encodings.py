"""Output in encodings that lack characters: every command, no traceback, and plain characters instead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from claude_code_pipelines.__main__ import Stream
from claude_code_pipelines.cli import commands
from claude_code_simulator import record
from support.world import TODAY, World

ENCODINGS = ("ascii", "latin-1", "cp437", "cp1252")
KEY = "Prüfstand – 夜間 👩\u200d💻"  # noqa: RUF001
TEAM = "Zürich"
DAY = f"--start {TODAY} --end {TODAY}"
COMMANDS = (
    "--help",
    f"demo {DAY} --pipeline demo",
    "check",
    f"load {DAY}",
    f"backfill {DAY} --progress bar",
    "status",
    "views",
    "views --print",
    f"report {DAY} --csv tables",
    f"report {DAY} --output -",
    *(f"summary {DAY} --by key{output}" for output in ("", " --markdown", " --csv", " --json")),
    f"summary {DAY} --by team --team-map map",
    "summary --organization Zürich–夜",  # noqa: RUF001
    "summary --by nacht–夜",  # noqa: RUF001
)


@pytest.fixture
def foreign(tmp_path: Path) -> World:
    """A key and a team with names that no encoding of the tests has."""
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    world.organization.name = f"Bücher {KEY}"
    world.write(TODAY, record(TODAY, api_key=KEY), record(TODAY, email="ada@example.test"))
    world.backfill(TODAY, TODAY)
    (tmp_path / "map").write_text(f"email,team\nada@example.test,{TEAM} – 夜\n", encoding="utf-8")  # noqa: RUF001
    return world


Printed = Callable[..., tuple[str, str]]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Printed:
    """Runs a command as its process does, and returns what it writes to both streams, decoded."""

    def run(world: World, encoding: str, command: str) -> tuple[str, str]:
        monkeypatch.setenv("PYTHONIOENCODING", encoding)
        files = [tmp_path / "stdout", tmp_path / "stderr"]
        with (
            files[0].open("w", encoding=encoding) as out,
            files[1].open("w", encoding=encoding) as errors,
            monkeypatch.context() as streams,
        ):
            streams.setattr(sys, "stdout", Stream(out))
            streams.setattr(sys, "stderr", Stream(errors))
            with pytest.raises(SystemExit):
                commands.main(command.split(), obj=world.client())
            sys.stdout.flush()
            sys.stderr.flush()
        codec = "utf-8" if "--output -" in command else encoding  # the page names its encoding
        return files[0].read_text(codec), files[1].read_text(encoding)

    return run


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_prints_in_every_encoding(foreign: World, printed: Printed, encoding: str) -> None:
    for command in COMMANDS:
        out, errors = printed(foreign, encoding, command)
        assert out or errors, command
        assert "Traceback" not in errors, command


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("ascii", "Prufstand - ???? ????"),
        ("latin-1", "Prüfstand - ???? ????"),
        ("cp1252", "Prüfstand – ???? ????"),  # noqa: RUF001
        ("utf-8", KEY),
    ],
)
def test_plain_characters_stand_in_and_keep_the_columns(
    foreign: World, printed: Printed, encoding: str, name: str
) -> None:
    lines = printed(foreign, encoding, f"summary {DAY} --by key")[0].splitlines()
    assert any(line.startswith(name) for line in lines)
    rule = "─" if encoding == "utf-8" else "-"
    assert any(line.strip(rule) == "" and len(line) > 20 for line in lines)


def test_a_pipe_is_in_utf_8_where_nothing_sets_another_encoding(
    foreign: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("PYTHONIOENCODING", "LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    with (tmp_path / "pipe").open("w", encoding="cp1252") as pipe:  # as on Windows
        stream = Stream(pipe)
        stream.write(KEY)
        stream.flush()
        monkeypatch.setenv("LANG", "de_DE.cp1252")
        stream = Stream(pipe)
        stream.write("ü")
        stream.flush()
    assert (tmp_path / "pipe").read_bytes() == KEY.encode() + b"\xfc"


def test_the_process_prints_in_the_encoding_that_is_set(foreign: World, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "claude_code_pipelines", "summary", *DAY.split(), "--by", "key"]
    variables = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, check=False)  # noqa: S603
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"Prufstand - ???? ????" in ran.stdout
    assert ran.stdout.isascii()


def test_no_name_is_cut_where_it_fits_and_all_lines_fit_the_terminal(
    foreign: World, printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a-key-with-a-name-of-more-than-sixty-letters-in-one-word-as-they-are"
    foreign.write(TODAY, record(TODAY, api_key=name))
    foreign.backfill(TODAY, TODAY)
    for columns, width, is_whole in (("20", 60, False), ("80", 80, False), ("160", 160, True), ("999", 200, True)):
        monkeypatch.setenv("COLUMNS", columns)
        lines = printed(foreign, "ascii", f"summary {DAY} --by key")[0].splitlines()
        assert max(map(len, lines)) <= width
        assert any(name in line for line in lines if line.startswith("a-key")) is is_whole
