"""Fixtures of all tests: for each a world of its own, a clock that it sets, and a warehouse that is loaded from a
simulated API. Nothing here reads the wall clock, sleeps, or reaches a network."""

from __future__ import annotations

import functools
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from support.backends import Missing
from support.backends.postgres_server import PostgresServer
from support.world import FIRST_DAY, TODAY, TestClock, World

pytest_plugins = ("support.tally",)

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=40)
settings.register_profile("searching", parent=settings.get_profile("repeatable"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

_FOREIGN_SETTINGS = ("SOURCES__", "DESTINATION__", "EXTRACT__", "NORMALIZE__", "LOAD__", "RUNTIME__", "DLT_")


def pytest_configure(config: pytest.Config) -> None:
    """Makes dlt's look-ups of settings faster than users have them, except where slow tests run too.

    dlt derives the types of its settings anew at each of 180 look-ups a run: a seventh of the time of a small load.
    `-m slow` and `python tests/destinations`, which CI runs, take dlt as it is.
    """
    # `nohup` and shells in the background ignore these, and so would the programs that tests start
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "not slow" in config.getoption("markexpr"):
        derive = functools.cache(base_configuration.extract_inner_hint)
        for module in (base_configuration, resolve):
            module.extract_inner_hint = derive  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Keeps what was imported out of later garbage collections, of which each load makes a full one."""
    gc.collect()
    gc.freeze()


@contextmanager
def _apart(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Gives what happens a folder, an environment and a dlt of its own, and no network."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_FOREIGN_SETTINGS) or name in ("ANTHROPIC_ADMIN_KEY", "API_KEY", "ACCESS_TOKEN"):
                patch.delenv(name)
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("DLT_DATA_DIR", str(folder / "dlt"))
        patch.chdir(folder)
        patch.setattr(socket.socket, "connect", _refuse_to_connect)
        context = RunContext(str(folder))
        context._global_dir = str(folder / "dlt")
        with switched_run_context(context):
            yield patch
            Container()[PipelineContext].deactivate()


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path) -> Iterator[None]:
    """Keeps each test apart."""
    with _apart(tmp_path):
        yield


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


@pytest.fixture(scope="session")
def loaded_week(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("week")
    with _apart(folder):
        world = World(folder)
        world.write_days(FIRST_DAY, TODAY)
        world.load()
    return world


@pytest.fixture
def week(world: World, loaded_week: World) -> World:
    """The test's world with one record on each day of the week, loaded at noon of the last day.

    Each worker loads this week once, and tests copy it: a load takes twenty times as long.
    """
    world.become(loaded_week)
    return world


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A Postgres server; the test is skipped, with the reason, where none can be started."""
    try:
        server = PostgresServer()
    except Missing as reason:
        pytest.skip(str(reason))
    yield server
    server.close()


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
