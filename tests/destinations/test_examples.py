"""The functions of the example script for cloud warehouses, run as they are written."""

from __future__ import annotations

import runpy

import pytest

from claude_code_simulator import SampleOrganization, SimulatedApi
from support.backends import Backend
from support.imports import ROOT
from support.serving import serving
from support.world import LEDGER

pytestmark = pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")


@pytest.mark.parametrize("backend", ["bigquery", "snowflake"], indirect=True)
def test_the_example_loads_into_the_warehouse_and_says_where(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = runpy.run_path(str(ROOT / "sources" / "claude_code_analytics_pipeline.py"))

    with serving(SimulatedApi(SampleOrganization(developers=1))) as variables:
        for name, value in {**variables, "SOURCES__CLAUDE_CODE_ANALYTICS__MAX_DAYS": "2"}.items():
            monkeypatch.setenv(name, value)
        script[f"load_to_{backend.name}"]()

    assert len(backend.tables("claude_code")[LEDGER]) == 2
    assert f"The {backend.name} destination used" in capsys.readouterr().out
