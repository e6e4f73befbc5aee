"""Promises of the simulator's README and of its imports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import claude_code_simulator as simulator
from claude_code_analytics import constants

FOLDER = Path(simulator.__file__ or "").parent
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", re.findall(r"^```py\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE))
def test_the_code_runs(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102


def test_every_public_name_is_mentioned() -> None:
    assert [name for name in simulator.__all__ if not re.search(rf"\b{name}\b", TEXT)] == []


def test_the_simulator_imports_nothing_of_the_other_packages() -> None:
    files = list(FOLDER.rglob("*.py"))
    assert len(files) > 15
    for file in files:
        code = file.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(?:import|from) claude_code_(?:analytics|pipelines)", code, re.MULTILINE), file.name


def test_the_sample_organization_is_known_by_its_id() -> None:
    assert constants.SAMPLE_ORGANIZATION_ID == simulator.SAMPLE_ORGANIZATION_ID
