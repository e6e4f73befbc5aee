"""Virtual environments of tests whose packages conflict, kept under a folder until `pyproject.toml` changes.

Snowflake's stand-in needs a newer sqlglot than dlt can use, BigQuery's an older DuckDB, and schedulers bring hundreds
of packages. Each environment is a dependency group of `pyproject.toml`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Seconds that an installation may take.
PATIENCE = 900


def outer_variables() -> dict[str, str]:
    """Returns this process's environment variables, without those that lead to another Python's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def make_environment(folder: Path, group: str, *, project: bool = False) -> Path:
    """Makes an environment with a dependency group, if it is not there yet, and returns its Python.

    Args:
        folder: Folder of the environment.
        group: Name of the group in `pyproject.toml`.
        project: Whether this project is in it too.

    Raises:
        subprocess.CalledProcessError: It could not be made; the installer has printed why.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    listed = ROOT / "pyproject.toml"
    origin = f"{sys.version} {ROOT} {group} {hashlib.sha256(listed.read_bytes()).hexdigest()}"
    note = folder / "made-from"
    if note.exists() and note.read_text() == origin:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    packages = [*(["--editable", str(ROOT)] if project else []), "--group", f"{listed}:{group}"]
    # uv installs Airflow in 12 seconds, pip in minutes
    for command in (["pip", "install", "--quiet", "uv"], ["uv", "pip", "install", "--quiet", *packages]):
        subprocess.run([str(python), "-m", *command], check=True, env=outer_variables(), timeout=PATIENCE)
    note.write_text(origin)
    return python
