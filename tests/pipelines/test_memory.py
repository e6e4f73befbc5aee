"""How much memory a long load needs: that of its windows, not of its range. Run by hand: `pytest -m slow`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import serving

MOST_MEGABYTES = 500


@pytest.mark.slow
def test_a_year_of_a_thousand_developers_needs_no_more_than_500_megabytes() -> None:
    load = (
        "import resource, sys\n"
        "from claude_code_pipelines import Warehouse, load\n"
        "loading = load(Warehouse(), start='2025-01-01', end='2025-12-31')\n"
        "print(loading.days, loading.records, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    with subprocess.Popen(  # noqa: S603
        [sys.executable, str(Path(serving.__file__)), "1370", "2024-01-01"], stdout=subprocess.PIPE, text=True
    ) as api:
        try:
            assert api.stdout is not None
            variables = serving.environment(api.stdout.readline().strip(), "sk-ant-admin01-sample")
            ran = subprocess.run(  # noqa: S603
                [sys.executable, "-c", load], env=variables, capture_output=True, text=True, timeout=3600, check=False
            )
        finally:
            api.terminate()

    assert ran.returncode == 0, ran.stderr
    days, records, megabytes = map(int, ran.stdout.split())
    assert days == 365
    assert records >= 365_000
    assert megabytes <= MOST_MEGABYTES, f"{records} records took {megabytes} MB"
