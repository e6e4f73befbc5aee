"""Virtual environments of the clients and the stand-ins, kept under a folder until `pyproject.toml` changes.

Three, because they conflict: Snowflake's stand-in needs a newer sqlglot than dlt can use, BigQuery's an older DuckDB.
Their packages are dependency groups of `pyproject.toml`.
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
        subprocess.CalledProcessError: It could not be made; pip has printed why.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    listed = ROOT / "pyproject.toml"
    origin = f"{sys.version} {ROOT} {group} {hashlib.sha256(listed.read_bytes()).hexdigest()}"
    note = folder / "made-from"
    if note.exists() and note.read_text() == origin:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    for packages in (
        ["--upgrade", "pip"],
        [*(["--editable", str(ROOT)] if project else []), "--group", f"{listed}:{group}"],
    ):
        command = [str(python), "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(command, check=True, env=outer_variables(), timeout=PATIENCE)
    note.write_text(origin)
    return python
