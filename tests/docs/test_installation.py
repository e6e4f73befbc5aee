"""Installation as documentation and messages show it, before and after the first release on PyPI."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from claude_code_analytics.constants import DISTRIBUTION
from claude_code_analytics.installation import install_command
from support.imports import ROOT

# Until the first release nothing of this name is on PyPI. At the release set it to True: the test below then lists the
# lines of the documentation to change. Messages follow by themselves.
IS_ON_PYPI = False
FROM_INDEX = rf"pip install[^`\n]*{DISTRIBUTION}(?!\[[\w,]+\] @ )|`{DISTRIBUTION}\["
FROM_REPOSITORY = r"pip install -e '\.\[|\] @ git\+|/path/to/clone\["

TEXTS = [path for path in sorted((ROOT / "docs").rglob("*.*")) if path.suffix != ".png"]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *TEXTS]
EXTRAS = set(tomlkit.parse((ROOT / "pyproject.toml").read_text()).unwrap()["project"]["optional-dependencies"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_documentation_installs_what_can_be_installed_today(page: Path) -> None:
    assert re.findall(FROM_REPOSITORY if IS_ON_PYPI else FROM_INDEX, page.read_text()) == []


def test_the_readme_names_every_extra_and_no_other() -> None:
    text = (ROOT / "README.md").read_text().replace("\n", " ")
    (first, others) = re.findall(r"pip install [^`]*\[(\w+)\]'`, or ([^)]*)\)", text)[0]

    assert {first, *re.findall(r"`(\w+)`", others)} | {"dagster", "report"} == EXTRAS
    assert set(re.findall(r"extra `(\w+)`", text)) <= EXTRAS


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, f"pip install '{DISTRIBUTION}[delta]'"),
        (
            {"url": "file:///srv/a%20clone", "dir_info": {"editable": True}},
            "pip install --editable '/srv/a clone[delta]'",
        ),
        ({"url": "file:///srv/clone", "dir_info": {}}, "pip install '/srv/clone[delta]'"),
        (
            {"url": "https://forge.example/p.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            f"pip install '{DISTRIBUTION}[delta] @ git+https://forge.example/p.git'",
        ),
        (
            {
                "url": "https://forge.example/p.git",
                "vcs_info": {"vcs": "git", "commit_id": "c0ffee", "requested_revision": "v0.1.0"},
            },
            f"pip install '{DISTRIBUTION}[delta] @ git+https://forge.example/p.git@v0.1.0'",
        ),
        (
            {"url": "file:///srv/p-0.1.0-py3-none-any.whl", "archive_info": {}},
            f"pip install '{DISTRIBUTION}[delta] @ file:///srv/p-0.1.0-py3-none-any.whl'",
        ),
    ],
    ids=["index", "editable", "folder", "git", "git at a tag", "wheel"],
)
def test_an_extra_comes_from_where_the_package_came_from(
    origin: dict[str, Any] | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / f"{DISTRIBUTION.replace('-', '_')}-9.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 9\n")
    if origin:
        (installed / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(tmp_path)

    assert install_command("dlt[deltalake]", "delta") == command
    assert install_command("dlt[databricks]") == "pip install 'dlt[databricks]'"


def test_a_copied_source_without_a_package_names_the_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])

    assert install_command("dlt[deltalake]", "delta") == "pip install 'dlt[deltalake]'"
