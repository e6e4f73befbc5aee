"""Files that the report writes: whole or not at all, with the mode that their user's umask gives or that they had."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from support.world import World

FILES = ("page.html", "book.xlsx")
ARGUMENTS = ("report", "--output", "page.html", "--xlsx", "book.xlsx", "--csv", "tables")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def modes(folder: Path) -> dict[str, int]:
    """The modes of what a report wrote."""
    tables = folder / "tables"
    written = [folder / name for name in FILES], [tables], [*tables.iterdir()]
    assert len(written[2]) > 5
    return {path.name: path.stat().st_mode & 0o777 for group in written for path in group}


@pytest.mark.parametrize(("umask", "of_files"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_the_umask(
    awkward: World, command: Callable[..., Result], tmp_path: Path, umask: int, of_files: int
) -> None:
    before = os.umask(umask)
    result = command(awkward, *ARGUMENTS)
    os.umask(before)
    assert result.exit_code == 0
    found = modes(tmp_path)
    assert found.pop("tables") == 0o777 & ~umask
    assert set(found.values()) == {of_files}


def test_the_program_keeps_its_database_private_and_gives_the_page_the_users_mode(tmp_path: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "claude_code_pipelines",
            "demo",
            "--start",
            "2026-03-02",
            "--end",
            "2026-03-02",
            "--report",
        ],
        cwd=tmp_path,
        umask=0o022,
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert (tmp_path / "claude-code-report.html").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "claude_code_analytics.duckdb").stat().st_mode & 0o777 == 0o600


def test_a_file_that_exists_keeps_its_mode(awkward: World, command: Callable[..., Result], tmp_path: Path) -> None:
    assert command(awkward, *ARGUMENTS).exit_code == 0
    for path in (*map(tmp_path.joinpath, FILES), *(tmp_path / "tables").iterdir()):
        path.chmod(0o640)
        path.write_bytes(b"")
    assert command(awkward, *ARGUMENTS).exit_code == 0
    found = modes(tmp_path)
    del found["tables"]
    assert set(found.values()) == {0o640}
    assert all((tmp_path / name).stat().st_size > 1000 for name in FILES)
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()], "a partial file"
