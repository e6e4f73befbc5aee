"""Sites for tests that run the program in processes of its own, and places for those that maltreat a warehouse."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from place import Place
from processes import Site
from truth import RecordingApi

from claude_code_simulator import ScriptedOrganization
from claude_code_simulator.server import serve


@pytest.fixture
def site_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """Makes a site in a folder, from a seed; answers take `latency` seconds."""
    with ExitStack() as open_servers:

        def make(folder: Path, seed: int = 0, latency: float = 0.0) -> Site:
            monkeypatch.chdir(folder)
            # what this process opens must be the very file that the others load
            database = folder / "claude_code_analytics.duckdb"
            monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", f"duckdb:///{database}")
            api = RecordingApi(ScriptedOrganization(id="11111111-aaaa-4a55-9d3e-3c2f5a7b9e10"), latency=latency)
            address = open_servers.enter_context(serve(api))
            return Site(folder, api, address, random.Random(seed))  # noqa: S311

        yield make
        monkeypatch.undo()


@pytest.fixture
def place(tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A warehouse that holds the days of three weeks."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", f"duckdb:///{tmp_path / 'history.duckdb'}")
    place = Place(tmp_path, clock)
    place.load()
    return place
