"""The distribution: name, requirements, contents of the wheel, and which module may import which."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from claude_code_analytics import ConfigurationError
from claude_code_analytics.constants import DISTRIBUTION, version
from claude_code_analytics.installation import install_command
from support.imports import FOLDERS, ROOT, imports_of, third_party

NAME = "dlt-claude-code-analytics"
SOURCE = ROOT / "sources" / "claude_code_analytics"
PACKAGES = sorted(FOLDERS)

# Imported where an extra is used.
OF_EXTRAS = {"vl_convert"}
# Only pipelines and simulator use these. `dlt init` copies the source alone.
NOT_FOR_THE_SOURCE = {"click", "filelock", "rich"}


def requirements(lines: list[str]) -> dict[str, str]:
    """Returns the version ranges by package, without extras."""
    return {each.name: str(each.specifier) for each in map(Requirement, lines)}


@pytest.fixture(scope="module")
def project() -> dict[str, str]:
    return requirements([line for line in metadata.requires(NAME) or [] if "extra ==" not in line])


# Names and metadata


def test_the_distribution_has_its_own_name_and_the_packages_keep_theirs() -> None:
    assert DISTRIBUTION == NAME
    assert version() == metadata.version(NAME)
    (script,) = metadata.entry_points(group="console_scripts", name="claude-code-analytics")
    assert script.value == "claude_code_pipelines.__main__:main"
    assert callable(script.load())


def test_a_copy_without_a_distribution_has_a_version_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)

    assert version.__wrapped__() == "0"


def test_the_metadata_names_pythons_extras_and_license() -> None:
    found = metadata.metadata(NAME)

    assert found["Requires-Python"] == "<3.15,>=3.10"
    assert set(found.get_all("Provides-Extra") or []) == {
        *("bigquery", "dagster", "delta", "motherduck", "postgres", "report", "snowflake")
    }
    assert found["License-Expression"] == "Apache-2.0"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_exists(package: str) -> None:
    module = importlib.import_module(package)

    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))
    assert not hasattr(module, "no_such_name")


# Requirements


def test_every_requirement_is_imported_and_every_import_is_required(project: dict[str, str]) -> None:
    standard = sys.stdlib_module_names | set(PACKAGES)
    imported = set().union(*(third_party(package, standard) for package in PACKAGES))

    assert imported - OF_EXTRAS == set(project)


def test_the_requirements_that_dlt_init_copies_are_those_of_the_source(project: dict[str, str]) -> None:
    copied = requirements((SOURCE / "requirements.txt").read_text().splitlines())

    assert copied == {name: bounds for name, bounds in project.items() if name not in NOT_FOR_THE_SOURCE}
    assert third_party("claude_code_analytics", sys.stdlib_module_names) <= set(copied)


def test_a_missing_extra_is_named_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster", None)

    with pytest.raises(ConfigurationError) as refused:
        importlib.import_module("claude_code_pipelines.dagster")

    assert str(refused.value) == (
        f"claude_code_pipelines.dagster needs dagster: {install_command('dagster', 'dagster')}"
    )


# Imports


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    modules = imports_of(package)
    graph = {name: {each for each in found if each in modules and each != name} for name, found in modules.items()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_imports_itself_by_way_of_others(package: str) -> None:
    modules = imports_of(package)
    graph: dict[str, set[str]] = {}
    for name, found in modules.items():
        inner = {room(each, modules) for each in found if each in modules and each != package}
        graph.setdefault(room(name, modules), set()).update(inner - {room(name, modules)})

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"folders import each other in a circle: {' -> '.join(error.args[1])}")


def room(module: str, modules: Collection[str]) -> str:
    """Returns the folder of a module within its package; a module outside of folders stands for itself."""
    folder = ".".join(module.split(".")[:2])
    return folder if folder in modules else module


@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("claude_code_analytics", {"claude_code_pipelines", "claude_code_simulator"}),
        ("claude_code_simulator", {"claude_code_analytics", "claude_code_pipelines", "dlt", "pyarrow"}),
    ],
)
def test_a_package_imports_nothing_that_stands_after_it(package: str, others: set[str]) -> None:
    assert third_party(package, sys.stdlib_module_names) & others == set()


def loaded_by(statement: str) -> set[str]:
    """Returns the packages beyond the standard library that a statement loads in a new process."""
    code = f"import sys; before = {{*sys.modules}}; {statement}; print(*{{*sys.modules}} - before)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return {name.partition(".")[0] for name in ran.stdout.split()} - sys.stdlib_module_names - {*PACKAGES}


def test_constants_and_errors_load_nothing_and_the_client_neither_dlt_nor_arrow() -> None:
    assert loaded_by("import claude_code_analytics.constants") == set()
    assert loaded_by("from claude_code_analytics import ApiError") == set()
    assert (
        loaded_by("from claude_code_analytics import AnalyticsClient") & {"dlt", "duckdb", "pendulum", "pyarrow"}
        == set()
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_name_is_that_of_a_module(package: str) -> None:
    # importing the module would put it in the place of the name
    names = {f"{package}.{name}" for name in importlib.import_module(package).__all__}

    assert names & set(imports_of(package)) == set()


# Everything outside of `__all__` is internal to the source. Its pipelines, in the same distribution, use these.
USED_BY_THE_PIPELINES = {
    f"claude_code_analytics.{module}"
    for module in (
        "argument_types",
        "claude_code.report",
        "config",
        "constants",
        "dates",
        "foreign_text",
        "installation",
        "json_codec",
        "run",
        "warehouse.backend",
        "warehouse.destinations",
        "warehouse.proof",
    )
}


def test_the_pipelines_use_eleven_modules_of_the_source_and_the_source_not_the_face_for_them() -> None:
    modules = imports_of("claude_code_analytics")
    imported = set().union(*imports_of("claude_code_pipelines").values())

    assert imported & modules.keys() - {"claude_code_analytics"} == USED_BY_THE_PIPELINES
    assert [name for name, found in modules.items() if "claude_code_analytics.run" in found] == []


# The wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_the_wheel_holds_the_three_packages_whole_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = {
        str(path.relative_to(folder))
        for package, folder in FOLDERS.items()
        for path in (folder / package).rglob("*")
        if path.suffix in (".py", ".typed", ".md", ".sql", ".txt", ".css", ".js")
    }

    assert packed == files


def test_all_three_packages_are_typed(wheel: zipfile.ZipFile) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_the_wheel_shows_the_readme(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))

    assert (ROOT / "README.md").read_text() in wheel.read(name).decode()


# The sdist


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git lists the files of the repository")
def test_the_sdist_holds_the_repository_and_nothing_else(tmp_path: Path) -> None:
    list_files = ["git", "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(list_files, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)  # noqa: S603
    (path,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(path) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}

    assert packed == {*listed.strip("\0").split("\0"), "PKG-INFO"}
