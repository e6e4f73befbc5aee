"""The project's own automation: workflows, hooks, forms and the files that contributors read."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import tomlkit
import yaml

from claude_code_pipelines.cli import commands
from support.imports import ROOT

PROJECT = tomlkit.parse((ROOT / "pyproject.toml").read_text()).unwrap()["project"]
GITHUB = ROOT / ".github"
PYTHONS = [each.rsplit(" ", 1)[1] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)]


def read(path: Path) -> Any:
    # YAML takes the key `on` for a boolean
    return {"on" if key is True else key: value for key, value in yaml.safe_load(path.read_text()).items()}


WORKFLOWS = {path.stem: read(path) for path in (GITHUB / "workflows").glob("*.yml")}
JOBS = [
    pytest.param(job, id=f"{workflow}-{name}")
    for workflow, found in WORKFLOWS.items()
    for name, job in found["jobs"].items()
]


def steps(job: Any, key: str) -> list[str]:
    return [step[key] for step in job["steps"] if key in step]


@pytest.mark.parametrize("job", JOBS)
def test_each_job_pins_its_actions_and_ends(job: Any) -> None:
    assert [each for each in steps(job, "uses") if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)] == []
    assert 0 < job["timeout-minutes"] <= 60
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_each_pin_names_its_release_and_an_action_has_one_pin() -> None:
    lines = "".join(path.read_text() for path in (GITHUB / "workflows").glob("*.yml"))
    pins = set(re.findall(r"uses: (\S+)@(\w+)(.*)", lines))

    assert [pin for pin in pins if not re.fullmatch(r" # v\d+\.\d+\.\d+", pin[2])] == []
    assert len(pins) == len({action for action, *_ in pins})


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_a_workflow_may_read_and_nothing_else_but_one_job_that_publishes(name: str) -> None:
    jobs = WORKFLOWS[name]["jobs"]

    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert {job: found["permissions"] for job, found in jobs.items() if "permissions" in found} == (
        {"publish": {"id-token": "write"}} if name == "release" else {}
    )


def test_a_release_is_built_checked_and_published_by_jobs_of_their_own() -> None:
    jobs = WORKFLOWS["release"]["jobs"]

    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "build": None,
        "check": "build",
        "publish": "check",
    }
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert jobs["publish"]["environment"]["url"].endswith(f"/{PROJECT['name']}")
    # the job that may publish runs no code of this repository
    assert [each.partition("@")[0] for each in steps(jobs["publish"], "uses")] == [
        *("actions/download-artifact", "pypa/gh-action-pypi-publish")
    ]
    assert steps(jobs["publish"], "run") == []
    assert jobs["publish"]["steps"][-1]["with"] == {"attestations": True}


def test_the_tests_run_on_each_python_and_with_the_lowest_requirements() -> None:
    matrix = WORKFLOWS["ci"]["jobs"]["tests"]["strategy"]["matrix"]
    low, high = (int(bound) for bound in re.findall(r"3\.(\d+)", PROJECT["requires-python"]))

    assert matrix["python"] == PYTHONS == [f"3.{minor}" for minor in range(low, high)]
    assert matrix["include"] == [{"python": PYTHONS[0], "requirements": "lowest-direct"}]


def test_each_script_that_a_workflow_a_hook_or_a_page_names_can_be_run() -> None:
    pages = [*GITHUB.rglob("*.yml"), *GITHUB.glob("*.md"), ROOT / ".pre-commit-config.yaml", ROOT / ".ci" / "run"]
    scripts = {name for page in pages for name in re.findall(r"\.ci/\w+", page.read_text())}

    assert scripts == {f".ci/{path.name}" for path in (ROOT / ".ci").iterdir()}
    assert [name for name in scripts if not os.access(ROOT / name, os.X_OK)] == []


def test_a_commit_is_checked_by_the_script_of_ci() -> None:
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    (hook,) = repository["hooks"]

    assert repository["repo"] == "local"
    assert hook["entry"] in steps(WORKFLOWS["ci"]["jobs"]["lint"], "run")
    assert f"step {hook['entry']}\n" in (ROOT / ".ci" / "run").read_text()


def test_new_versions_of_all_that_is_pinned_are_proposed_together_and_not_at_once() -> None:
    updates = read(GITHUB / "dependabot.yml")["updates"]

    assert {each["package-ecosystem"] for each in updates} == {"github-actions", "pip", "docker"}
    assert all(each["cooldown"]["default-days"] >= 7 for each in updates)


def test_the_form_for_bugs_asks_for_commands_that_exist() -> None:
    fields = [each for each in read(GITHUB / "ISSUE_TEMPLATE" / "bug.yml")["body"] if each["type"] != "markdown"]
    text = " ".join(f"{each['attributes']['label']} {each['attributes']['description']}" for each in fields)
    asked = [shlex.split(each) for each in re.findall(r"`claude-code-analytics ([^`]+)`", text)]

    assert asked == [["status", "--json"], ["check"], ["--version"]]
    for name, *arguments in asked[:2]:
        command = commands.get_command(click.Context(commands), name)
        assert command
        command.make_context(name, arguments)
    assert all(each["validations"] == {"required": True} for each in fields)
    assert len({each["id"] for each in fields}) == len(fields)
