"""Both doors, in one minute: the plain run and `load`."""

from __future__ import annotations

import datetime as dt

from claude_code_simulator import record
from support.world import FIRST_DAY, TODAY, World


def test_the_plain_run_and_load_hold_what_the_api_returned(world: World) -> None:
    world.write_days(FIRST_DAY, TODAY)
    world.run()
    days = [FIRST_DAY + dt.timedelta(days=number) for number in range(7)]
    assert world.days_requested() == days
    world.require_truth(days)
    world.write(FIRST_DAY)
    world.write(TODAY, record(TODAY, sessions=5), record(TODAY, sessions=5))
    report = world.load()
    assert report.days == days
    world.require_truth(days)
    assert world.status().days("inconsistent") == []
    world.write(TODAY)
    world.run()
    world.require_truth([TODAY])
