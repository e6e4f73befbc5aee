"""Fixtures of all tests: for each a world of its own, a clock that it sets, and a warehouse that is loaded from a
simulated API. Nothing here reads the wall clock, sleeps, or reaches a network."""

from __future__ import annotations

import functools
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dlt.common.configuration import resolve
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs import base_configuration
from dlt.common.pipeline import PipelineContext
from dlt.common.runtime.run_context import RunContext, switched_run_context
from hypothesis import settings

from claude_code_analytics import AnalyticsClient
from claude_code_simulator import SimulatedApi
from support.world import TestClock, World

pytest_plugins = ("support.tally",)

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=40)
settings.register_profile("searching", parent=settings.get_profile("repeatable"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# dlt derives the types of its settings anew at each of 180 look-ups a run: a fifth of the time of a small load.
_derive = base_configuration.extract_inner_hint
for _module in (base_configuration, resolve):
    _module.extract_inner_hint = functools.cache(_derive)  # type: ignore[attr-defined]

_FOREIGN_SETTINGS = ("SOURCES__", "DESTINATION__", "EXTRACT__", "NORMALIZE__", "LOAD__", "RUNTIME__", "DLT_")


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Gives each test a folder, an environment and a dlt of its own, and no network."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN_SETTINGS) or name in ("ANTHROPIC_ADMIN_KEY", "API_KEY", "ACCESS_TOKEN"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", _refuse_to_connect)
    context = RunContext(str(tmp_path))
    context._global_dir = str(tmp_path / "dlt")
    with switched_run_context(context):
        yield
        Container()[PipelineContext].deactivate()


def _refuse_to_connect(self: socket.socket, address: Any) -> None:
    if self.family == socket.AF_UNIX:  # a process of the test's own
        super(socket.socket, self).connect(address)
        return
    message = f"a test tried to reach {address}"
    raise AssertionError(message)


@pytest.fixture
def clock() -> TestClock:
    """The test's clock; it shows noon of 2026-09-20 (UTC) until it is moved."""
    return TestClock()


@pytest.fixture
def world(tmp_path: Path, clock: TestClock) -> World:
    """An empty organization, the API in front of it and an empty warehouse."""
    return World(tmp_path, clock=clock)


@pytest.fixture
def api(world: World) -> SimulatedApi:
    """The API in front of the world's organization."""
    return world.api


@pytest.fixture
def connect(world: World) -> Callable[..., AnalyticsClient]:
    """Makes clients of the world's API; options as `AnalyticsClient` takes them."""
    return world.client


@pytest.fixture
def warnings_of(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Returns the warnings that the connector has logged so far."""
    caplog.set_level(logging.INFO, "claude_code_analytics")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name == "claude_code_analytics" and record.levelno >= logging.WARNING
    ]
