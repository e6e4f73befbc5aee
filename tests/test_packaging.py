"""What is installed: names, versions, requirements, types, and what a wheel holds."""

from __future__ import annotations

import datetime as dt
import importlib.util
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path

import httpx
import pytest

import claude_code_analytics
import claude_code_pipelines
from claude_code_analytics import AnalyticsClient
from claude_code_analytics.settings import version
from claude_code_simulator import ScriptedOrganization, SimulatedApi

ROOT = Path(__file__).parents[1]
NAME = "claude-code-analytics"


def requirements(lines: list[str]) -> dict[str, str]:
    """Version ranges by name of package, extras left out."""
    found = {}
    for line in lines:
        parsed = re.match(r"([\w-]+)(?:\[[\w,]+\])?\s*([^;]*)", line)
        assert parsed, line
        found[parsed[1].lower()] = ",".join(sorted(parsed[2].strip(" ()").split(",")))
    return found


def test_the_command_is_installed_and_leads_to_main() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name=NAME)

    assert script.value == "claude_code_pipelines.cli:main"
    assert callable(script.load())


def test_the_distribution_says_which_pythons_and_destinations_it_serves() -> None:
    told = metadata.metadata(NAME)

    assert told["Requires-Python"] == "<3.15,>=3.10"
    assert {"bigquery", "snowflake", "postgres", "motherduck", "delta"} <= set(told.get_all("Provides-Extra") or [])
    assert told["License-Expression"] == "Apache-2.0"


def test_the_requirements_that_dlt_init_copies_agree_with_those_of_the_project() -> None:
    project = requirements([line for line in metadata.requires(NAME) or [] if "extra ==" not in line])
    copied = requirements((ROOT / "sources/claude_code_analytics/requirements.txt").read_text().splitlines())

    assert copied == {name: project[name] for name in copied}
    assert set(project) - set(copied) == {"click", "filelock", "rich", "tzdata"}  # what only the command line needs


def test_the_source_imports_nothing_beyond_its_requirements() -> None:
    folder = ROOT / "sources" / "claude_code_analytics"
    modules = [path for path in folder.rglob("*.py") if "simulator" not in path.parts]
    copied = requirements((folder / "requirements.txt").read_text().splitlines())

    imported = {
        name
        for path in modules
        for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        if name not in sys.stdlib_module_names
    }

    assert imported <= set(copied)


@pytest.mark.parametrize("package", [claude_code_analytics, claude_code_pipelines])
def test_both_packages_are_typed(package: object) -> None:
    assert resources.files(package).joinpath("py.typed").is_file()  # type: ignore[arg-type]


@pytest.mark.parametrize("package", [claude_code_analytics, claude_code_pipelines])
def test_every_name_that_a_package_offers_is_there(package: object) -> None:
    assert package.__all__ == sorted(package.__all__)  # type: ignore[attr-defined]
    assert all(hasattr(package, name) for name in package.__all__)  # type: ignore[attr-defined]


def test_requests_name_the_project_and_its_version(connect: Callable[..., AnalyticsClient]) -> None:
    asked: list[httpx.Request] = []
    api = SimulatedApi(ScriptedOrganization())

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return api.handle(request)

    with connect(transport=httpx.MockTransport(answer), api_key=api.credentials.admin_key) as client:
        client.day(dt.date(2026, 9, 1))

    assert {request.headers["user-agent"].split(" ")[0] for request in asked} == {f"{NAME}/{metadata.version(NAME)}"}


def test_a_copy_without_a_distribution_has_a_version_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)

    assert version() == "0"


def test_a_wheel_holds_both_packages_and_nothing_else(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed here, and a test does not download it")
    subprocess.run(  # noqa: S603
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")

    names = zipfile.ZipFile(wheel).namelist()

    folders = {name.split("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "claude_code_analytics",
        "claude_code_pipelines",
    }
    assert {"claude_code_analytics/py.typed", "claude_code_pipelines/py.typed"} <= set(names)
    assert not [name for name in names if name.endswith((".pyc", ".duckdb", ".toml"))]
