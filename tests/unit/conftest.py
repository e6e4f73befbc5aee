"""Fixtures of tests of plain functions, which need neither dlt nor a folder."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_world() -> None:
    """Leaves out the dlt of the other tests, which takes longer than most tests here."""
