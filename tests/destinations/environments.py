"""Virtual environments for the clients and the stand-ins, made once under a folder and kept until their list changes.

Three, for they do not go together: Snowflake's stand-in needs a newer sqlglot than dlt can read with, BigQuery's an
older DuckDB. What is in them stands in the dependency groups of `pyproject.toml`.
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
PATIENCE = 900
"""Seconds that an installation may take."""


def outer() -> dict[str, str]:
    """The environment variables of this process, without those that lead to another Python's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


def made(folder: Path, group: str, *, project: bool = False) -> Path:
    """The Python of an environment that holds a dependency group.

    Args:
        folder: Where it is, or will be.
        group: Name of the group in `pyproject.toml`.
        project: Whether this project is in it too.

    Raises:
        subprocess.CalledProcessError: It could not be made; pip has said why.
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
        subprocess.run(command, check=True, env=outer(), timeout=PATIENCE)
    note.write_text(origin)
    return python
