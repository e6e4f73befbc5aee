"""`dlt init claude_code_analytics duckdb --location <this repository>`: what arrives, and that it runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from claude_code_simulator import SampleOrganization, SimulatedApi
from serving import serving

ROOT = Path(__file__).parents[1]
NOT_COPIED = {"requirements.txt", "py.typed"}
"""dlt makes a requirements.txt of its own, and leaves the marker of types out."""


def copy_of_the_repository(folder: Path) -> Path:
    """A git repository of the files that are here now, for dlt asks for one."""
    copy = folder / "repository"
    for part in ("sources", ".dlt"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@example.test commit -qm all"):
        subprocess.run(["git", *command.split()], cwd=copy, check=True)  # noqa: S603, S607
    return copy


def test_the_source_arrives_whole_and_loads_what_is_new(tmp_path: Path) -> None:
    copy = copy_of_the_repository(tmp_path)
    project = tmp_path / "project"
    project.mkdir()

    made = subprocess.run(  # noqa: S603
        [
            *(str(Path(sys.executable).with_name("dlt")), "init", "claude_code_analytics", "duckdb"),
            *("--location", str(copy)),
        ],
        cwd=project,
        input="y\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert made.returncode == 0, made.stdout + made.stderr
    source = ROOT / "sources" / "claude_code_analytics"
    expected = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and path.name not in NOT_COPIED and not re.search(r"__pycache__|_cache/", str(path))
    }
    arrived = project / "claude_code_analytics"
    assert {str(path.relative_to(arrived)) for path in arrived.rglob("*") if path.is_file()} == expected
    assert (project / "claude_code_analytics_pipeline.py").is_file()
    assert {"dlt", "httpx", "msgspec", "pyarrow", "tenacity"} <= {
        re.split(r"[\[<>=~!]", line)[0] for line in (project / "requirements.txt").read_text().splitlines()
    }

    # The secrets that nobody filled in are none. The copy is what runs: it stands before the installed package.
    assert "<configure me>" in (project / ".dlt" / "secrets.toml").read_text()
    with serving(SimulatedApi(SampleOrganization(developers=2))) as variables:
        ran = subprocess.run(  # noqa: S603
            [
                *(sys.executable, "-c"),
                "import claude_code_analytics, claude_code_analytics_pipeline as script\n"
                "print(claude_code_analytics.__file__)\n"
                "script.load_a_closed_range()",
            ],
            cwd=project,
            env={**variables, "PYTHONPATH": os.pathsep.join([str(project)])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == str(arrived / "__init__.py")
    with duckdb.connect(str(project / "claude_code_analytics.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM claude_code.claude_code_days").fetchone() == (30,)
