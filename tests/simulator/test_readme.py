"""What the page about the simulator promises: that its names exist, that none is missing, and that its code runs."""

from __future__ import annotations

import fnmatch
import inspect
import re
from pathlib import Path

import pytest

import claude_code_simulator as simulator
from claude_code_analytics import settings
from claude_code_simulator import FAULTS, ODDITIES, SAMPLE_ORGANIZATION_ID, faults

FOLDER = Path(simulator.__file__ or "").parent
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and line.count(" | ") == 2
][1:]
SWITCHES = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])})
CODE = re.findall(r"^```py\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def exists(switch: str) -> bool:
    if switch in ODDITIES or fnmatch.filter(FAULTS, switch):
        return True
    match = re.fullmatch(r"([\w.]+)(?:\((\w+)=\))?", switch)
    if not match:
        return False
    owner, parameter = match.groups()
    thing = simulator
    for name in owner.split("."):
        thing = getattr(thing, name, None)  # type: ignore[assignment]
    return thing is not None and (not parameter or parameter in inspect.signature(thing).parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_behaviour_has_its_evidence_and_its_switch(row: list[str]) -> None:
    behaviour, evidence, switch = row
    assert behaviour
    assert evidence in ("D", "O", "I")
    assert switch == "always" or re.fullmatch(r"`[^`]+`(, `[^`]+`)*", switch)


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_exists(switch: str) -> None:
    assert exists(switch)


def test_a_switch_that_does_not_exist_would_be_noticed() -> None:
    assert not exists("no_such_oddity")
    assert not exists("cursor-nowhere")
    assert not exists("SimulatedApi(no_such_option=)")


def test_every_public_name_is_mentioned() -> None:
    assert [name for name in simulator.__all__ if not re.search(rf"\b{name}\b", TEXT)] == []


def test_every_option_and_every_oddity_and_every_kind_of_fault_is_mentioned() -> None:
    options = [
        f"{thing.__name__}({name}=)"
        for thing in (simulator.SimulatedApi, simulator.EventOrganization, simulator.OddOrganization)
        for name, parameter in inspect.signature(thing).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in ("credentials", "id", "name")
    ]
    assert [option for option in options if f"`{option}`" not in TEXT] == []
    assert [name for name in ODDITIES if f"`{name}`" not in TEXT] == []
    mentioned = {name for switch in SWITCHES for name in fnmatch.filter(FAULTS, switch)}
    assert {name.split("-")[0] for name in FAULTS} == {name.split("-")[0] for name in mentioned}
    assert [name for name in set(FAULTS) - mentioned if not name.startswith(("limit-", "status-"))] == []


def test_the_functions_that_make_faults_are_those_of_the_module() -> None:
    made = {
        name
        for name, thing in vars(faults).items()
        if inspect.isfunction(thing) and thing.__module__ == faults.__name__ and not name.startswith("_")
    }
    listed = re.search(r"functions of `simulator\.faults`\s+\((.*?)\)", TEXT, re.DOTALL)
    assert listed
    assert set(re.findall(r"\w+", listed[1])) == made


@pytest.mark.parametrize("code", CODE)
def test_the_code_runs(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "server" in code:
        pytest.importorskip("uvicorn")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102


def test_the_simulator_imports_nothing_from_the_rest_of_the_package() -> None:
    for file in FOLDER.glob("*.py"):
        code = file.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(from \.\.|import claude_code|from claude_code)", code, re.MULTILINE), file.name
        assert code.startswith('"""'), file.name


def test_the_simulator_does_not_need_uvicorn_until_it_serves() -> None:
    users = [file.name for file in FOLDER.glob("*.py") if "import uvicorn" in file.read_text(encoding="utf-8")]
    assert users == ["server.py"]
    for file in FOLDER.glob("*.py"):
        if file.name not in ("server.py", "__main__.py"):
            assert "server import" not in file.read_text(encoding="utf-8"), file.name


def test_the_sample_organization_is_known_by_its_id() -> None:
    assert settings.SAMPLE_ORGANIZATION_ID == SAMPLE_ORGANIZATION_ID
