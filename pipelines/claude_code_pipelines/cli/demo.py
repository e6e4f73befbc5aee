"""The command `demo`."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from ..defaults import DEMO_DAYS, REPORT_FILE
from .options import day, load_options, start_and_end, with_warehouse

if TYPE_CHECKING:
    from claude_code_simulator import SampleOrganization

    from ..warehouse import Warehouse

_ONE_DAY = dt.timedelta(days=1)


@click.command("demo")
@with_warehouse
@start_and_end()
@load_options(DEMO_DAYS)
@click.option("--missing", type=day, help="Leave this day out, to see how a gap is shown.")
@click.option("--report", "with_report", is_flag=True, help="Also write the HTML report next to the database.")
def command(
    target: Warehouse,
    start: dt.date | None,
    end: dt.date | None,
    window_days: int,
    progress: str,
    missing: dt.date | None,
    with_report: bool,
) -> None:
    """Load a built-in sample organization: no key, no network."""
    from claude_code_analytics import AnalyticsClient
    from claude_code_simulator import SampleOrganization, SimulatedApi

    from ..console import messages
    from ..events import LoadReport
    from ..extras import extra
    from ..loader import load
    from .frame import next_command, reported

    with reported(progress, loads=True) as shown, TemporaryDirectory() as folder:
        if with_report:
            extra("vl_convert")  # refuses before the days are loaded
        organization = SampleOrganization()
        api = SimulatedApi(organization)
        with AnalyticsClient(api_key=api.credentials.admin_key, transport=api.transport) as client:
            now = client.now()
            working = replace(target, working_dir=folder)
            ranges = _ranges(start or now.date() - (DEMO_DAYS - 1) * _ONE_DAY, end, missing, now.date())
            loads = [
                load(working, start=first, end=last, window_days=window_days, client=client, observer=shown)
                for first, last in ranges
            ]
        following = next_command(target, "report" if find_spec("vl_convert") else "summary")
        if with_report:
            _write_report(target, organization, now)
            opener = which("open" if sys.platform == "darwin" else "xdg-open")
            following = f"{Path(opener).name} {REPORT_FILE}" if opener else f"wrote {REPORT_FILE}"
        shown.finish([*messages.loaded(sum(loads, LoadReport())), following])


def _ranges(
    first: dt.date, last: dt.date | None, missing: dt.date | None, today: dt.date
) -> list[tuple[dt.date, dt.date | None]]:
    """Returns the ranges to load: one up to today or `last`, or those around the day that is left out."""
    if missing is None:
        return [(first, last)]
    last = last or today
    parts = (first, min(missing - _ONE_DAY, last)), (max(first, missing + _ONE_DAY), last)
    return [(start, end) for start, end in parts if start <= end]


def _write_report(target: Warehouse, organization: SampleOrganization, now: dt.datetime) -> None:
    from ..metrics.figures import Request, read_figures
    from ..report.files import write_report

    request = Request(teams=organization.teams, seats=organization.seats)
    write_report(read_figures(target, request, now), REPORT_FILE)
