"""The recipe of the image, tested without Docker: its steps run here, its program with a read-only root."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import tomlkit

from support.imports import ROOT

PROJECT = tomlkit.parse((ROOT / "pyproject.toml").read_text()).unwrap()["project"]
# Instructions of the recipe in their order, continued lines joined.
STEPS = re.findall(r"^([A-Z]+) (.+)$", (ROOT / "Dockerfile").read_text().replace("\\\n", ""), re.MULTILINE)

# Mounts a folder on itself, everything else read-only, and runs a command as a user without rights.
CONFINED = """
set -eu
mount --bind "$1" "$1"
mount -o remount,bind,ro /
cd "$1" && shift
exec setpriv --reuid="${USER%:*}" --regid="${USER#*:}" --clear-groups --no-new-privs "$@"
"""


def of(instruction: str) -> list[str]:
    return [text for name, text in STEPS if name == instruction]


ARGUMENTS = dict(text.split("=") for text in of("ARG"))
(ENVIRONMENT,) = (dict(each.split("=") for each in text.split()) for text in of("ENV"))


def test_the_recipe_copies_files_that_exist_and_all_that_the_wheel_needs() -> None:
    copied = [text.split()[:-1] for text in of("COPY") if not text.startswith("--from=build /opt/venv ")]
    names = {name for names in copied for name in names}

    assert [name for name in names if not (ROOT / name).exists()] == []
    assert names == {"pyproject.toml", "README.md", "LICENSE", "sources", "pipelines"}


def test_the_recipe_names_a_python_that_is_supported_and_extras_that_exist() -> None:
    assert f"Programming Language :: Python :: {ARGUMENTS['PYTHON']}" in PROJECT["classifiers"]
    assert set(ARGUMENTS["EXTRAS"].split(",")) <= set(PROJECT["optional-dependencies"])
    assert set(of("FROM")) == {"python:${PYTHON}-slim AS build", "python:${PYTHON}-slim"}


def test_the_image_runs_the_program_as_a_user_without_rights_who_owns_the_volume() -> None:
    (user,), (volume,), (entry,) = of("USER"), of("VOLUME"), of("ENTRYPOINT")

    assert json.loads(entry) == list(PROJECT["scripts"])
    assert user != "0"
    uid, gid = user.split(":")
    assert f"install --directory --owner={uid} --group={gid} --mode=700 {volume}" in of("RUN")
    assert of("WORKDIR") == [volume]
    assert (ENVIRONMENT["HOME"], ENVIRONMENT["TMPDIR"]) == (volume, volume)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike those of pytest."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def this_environment(folder: Path) -> Path:
    return Path(sysconfig.get_path("scripts"))


def built_environment(folder: Path) -> Path:
    """Runs the build's own steps, with folders of this test in the place of the image's."""
    places = {"/project": str(folder / "project"), "/opt/venv": str(folder / "venv")}

    def here(text: str) -> str:
        return re.sub("|".join(places), lambda found: places[found[0]], text)

    (folder / "project").mkdir()
    for name, text in STEPS[: STEPS.index(("FROM", "python:${PYTHON}-slim"))]:
        if name == "COPY":
            *sources, _ = text.split()
            for source in sources:
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, folder / "project" / source)
        elif name == "RUN":
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            subprocess.run(["sh", "-c", here(text)], env={**os.environ, **ARGUMENTS, "PATH": path}, check=True)  # noqa: S603, S607
    return folder / "venv" / "bin"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts and other users need root")
@pytest.mark.parametrize("programs", [this_environment, pytest.param(built_environment, marks=pytest.mark.slow)])
def test_the_program_writes_to_the_volume_alone(programs: Callable[[Path], Path], folder: Path) -> None:
    volume = folder / "data"
    volume.mkdir(mode=0o700)
    (user,) = of("USER")
    os.chown(volume, *map(int, user.split(":")))
    found = programs(folder)
    environment = {name: value.replace("/data", str(volume)) for name, value in ENVIRONMENT.items()}
    environment |= {"PATH": environment["PATH"].replace("/opt/venv/bin", str(found)), "USER": user}
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)  # noqa: S607
    if probe.returncode:
        pytest.skip(f"no mounts of its own: {probe.stderr.decode().strip()}")

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        confined = ["unshare", "--mount", "sh", "-c", CONFINED, "sh", str(volume), *command]
        return subprocess.run(confined, env=environment, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603

    (program,) = json.loads(of("ENTRYPOINT")[0])
    if run("test", "-r", str(found / program)).returncode or run(str(found / "python"), "-c", "").returncode:
        pytest.skip("another user cannot run this Python")
    assert "Read-only file system" in run("touch", str(folder / "elsewhere")).stderr
    days = ["--start", "2026-11-01", "--end", "2026-11-03"]
    for arguments in (["demo", *days, "--report"], ["views"], ["status", *days]):
        ran = run(program, *arguments)
        assert ran.returncode == 0, ran.stderr
    assert {path.name for path in volume.iterdir()} == {
        *(".dlt", "claude-code-report.html", "claude_code_analytics.duckdb")
    }
