"""A Postgres server for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from destinations.backends import Missing
from destinations.backends.postgres_server import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server; the test is skipped, with the reason, where none can be started."""
    try:
        server = Postgres()
    except Missing as reason:
        pytest.skip(str(reason))
    yield server
    server.close()
