"""Views on every destination: created, and row by row what plain Python makes of the records."""

from __future__ import annotations

import datetime as dt

import pytest

from claude_code_analytics import ConfigurationError
from claude_code_pipelines.metrics.views import create_views
from destinations.scenario import ORGANIZATION, Scenario
from metrics.awkward import awkward_days
from metrics.compared import differences, read_without_views
from metrics.plain import VIEWS, Loaded, Plain
from support.world import TODAY

# Google's client warns at every read where its faster way is not installed, which would bypass the stand-in.
pytestmark = pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")

FIRST = TODAY - dt.timedelta(days=45)


def test_every_view_is_what_plain_python_makes_of_the_records(scenario: Scenario) -> None:
    scenario.organization.days = awkward_days(FIRST, TODAY, ORGANIZATION, 4)
    scenario.backfill(FIRST, TODAY, window_days=90)
    plain = Plain(Loaded(scenario.organization.days, frozenset(scenario.organization.days) - {TODAY}))
    expected = {view: [{"organization_id": ORGANIZATION, **row} for row in of(plain)] for view, of in VIEWS.items()}

    read = read_without_views(scenario)

    exact = scenario.backend.name != "snowflake"  # the stand-in sums whole numbers as binary floats
    wrong = [line for view, rows in expected.items() for line in differences(view, read[view], rows, exact_sums=exact)]
    assert not wrong, "\n".join(wrong)
    scenario.rows_compared += sum(map(len, expected.values()))
    if scenario.backend.name == "filesystem":
        with pytest.raises(ConfigurationError, match="Delta tables have no views"):
            create_views(scenario.pipeline)
        return
    create_views(scenario.pipeline)
    for view, rows in expected.items():
        qualified = scenario.backend.qualified(scenario.dataset, view)
        assert scenario.backend.run(f"SELECT COUNT(*) FROM {qualified}") == [(len(rows),)], view
