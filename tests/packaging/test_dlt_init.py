"""`dlt init claude_code_analytics duckdb --location <clone>`: which files arrive, and that they run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import duckdb
import pytest
from packaging.requirements import Requirement

from claude_code_simulator import SampleOrganization, SimulatedApi
from support.imports import ROOT
from support.serving import serving

SOURCE = ROOT / "sources" / "claude_code_analytics"

# dlt writes a requirements.txt of its own, and leaves the marker of typed packages out.
NOT_COPIED = {"requirements.txt", "py.typed"}

# Packages of the source that `dlt[duckdb]` does not bring. dlt imports the source with dummies in their place.
NOT_INSTALLED_YET = ("httpx", "msgspec", "pyarrow")

DLT_WITHOUT_THEM = f"""
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {NOT_INSTALLED_YET!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Finder())
from dlt._workspace.cli._dlt import _main
_main()
"""
LOAD = """
import claude_code_analytics, claude_code_analytics_pipeline
print(claude_code_analytics.__file__)
claude_code_analytics_pipeline.load_a_closed_range()
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A git repository of the files as they are now; dlt wants one."""
    copy = tmp_path / "repository"
    for part in ("sources", ".dlt"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@example.test commit -qm all"):
        subprocess.run(["git", *command.split()], cwd=copy, check=True)  # noqa: S603, S607
    return copy


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def run(command: list[str], folder: Path, timeout: float = 120, **variables: str) -> str:
    """Runs a command to its end and returns its output."""
    ran = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env={**os.environ, **variables},
        input="y\n",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def require_loaded(project: Path, output: str) -> None:
    """Requires that the copied source ran, not an installed one, and loaded the month of the example."""
    assert output.splitlines()[0] == str(project / "claude_code_analytics" / "__init__.py")
    with duckdb.connect(str(project / "claude_code_script.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM claude_code.claude_code_days").fetchone() == (30,)


def test_the_source_arrives_whole_and_loads(clone: Path, project: Path) -> None:
    options = ["init", "claude_code_analytics", "duckdb", "--location", str(clone)]

    run([sys.executable, "-c", DLT_WITHOUT_THEM, *options], project)

    arrived = project / "claude_code_analytics"
    assert {str(path.relative_to(arrived)) for path in arrived.rglob("*") if path.is_file()} == {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.is_file() and path.name not in NOT_COPIED and not re.search(r"__pycache__|_cache/", str(path))
    }
    assert {path.name for path in project.iterdir()} == {
        *(".dlt", ".gitignore", "claude_code_analytics", "claude_code_analytics_pipeline.py", "requirements.txt")
    }
    written = {Requirement(line).name for line in (project / "requirements.txt").read_text().splitlines()}
    assert written == {Requirement(line).name for line in (SOURCE / "requirements.txt").read_text().splitlines()}
    # placeholders in secrets.toml count as no secret
    assert "<configure me>" in (project / ".dlt" / "secrets.toml").read_text()
    with serving(SimulatedApi(SampleOrganization(developers=2))) as variables:
        require_loaded(project, run([sys.executable, "-c", LOAD], project, **variables, PYTHONPATH=str(project)))


@pytest.mark.slow
def test_an_environment_with_dlt_alone_is_enough(clone: Path, project: Path, tmp_path: Path) -> None:
    programs = tmp_path / "environment" / "bin"
    venv.create(programs.parent, with_pip=True)
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet"]
    installed = subprocess.run([*install, "dlt[duckdb]>=1.31,<2"], capture_output=True, text=True, check=False)  # noqa: S603
    if installed.returncode:
        pytest.skip(f"dlt cannot be installed here: {installed.stderr.strip().splitlines()[-1]}")

    run([str(programs / "dlt"), "init", "claude_code_analytics", "duckdb", "--location", str(clone)], project)

    run([*install, "--requirement", "requirements.txt"], project, timeout=300)
    with serving(SimulatedApi(SampleOrganization(developers=2))) as variables:
        require_loaded(project, run([str(programs / "python"), "-c", LOAD], project, **variables))
