"""Views on every destination: created, and row by row what plain Python makes of the records."""

from __future__ import annotations

import datetime as dt

import pytest

from claude_code_analytics import ConfigurationError
from claude_code_pipelines.metrics.views import create_views
from metrics.awkward import awkward_days
from metrics.compared import differences, read_without_views
from metrics.views_in_python import VIEWS, Loaded, Plain
from support.world import TODAY, World

# Google's client warns at every read where its faster way is not installed, which would bypass the stand-in.
pytestmark = pytest.mark.filterwarnings("ignore:Cannot create BigQuery Storage client")

FIRST = TODAY - dt.timedelta(days=45)


def test_every_view_is_what_plain_python_makes_of_the_records(world: World) -> None:
    world.organization.days = awkward_days(FIRST, TODAY, world.organization.id, 4)
    world.backfill(FIRST, TODAY, window_days=90)
    plain = Plain(Loaded(world.organization.days, frozenset(world.organization.days) - {TODAY}))
    expected = {
        view: [{"organization_id": world.organization.id, **row} for row in of(plain)] for view, of in VIEWS.items()
    }

    read = read_without_views(world)

    exact = world.backend.name != "snowflake"  # the stand-in sums whole numbers as binary floats
    wrong = [line for view, rows in expected.items() for line in differences(view, read[view], rows, exact_sums=exact)]
    assert not wrong, "\n".join(wrong)
    world.rows_compared += sum(map(len, expected.values()))
    if world.backend.name == "filesystem":
        with pytest.raises(ConfigurationError, match="Delta tables have no views"):
            create_views(world.pipeline)
        return
    assert set(create_views(world.pipeline)) > set(expected)
    if exact:  # the stand-in of Snowflake lists no views, so it cannot show their marks
        assert create_views(world.pipeline) == []
    for view, rows in expected.items():
        qualified = world.backend.qualified(world.dataset, view)
        assert world.backend.run(f"SELECT COUNT(*) FROM {qualified}") == [(len(rows),)], view
