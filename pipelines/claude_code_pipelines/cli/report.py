"""The command `report`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..defaults import REPORT_FILE
from .options import organization_and_teams, start_and_end, with_now, with_warehouse

if TYPE_CHECKING:
    from ..warehouse import Warehouse


@click.command("report", short_help="Write a self-contained HTML report.")
@with_warehouse
@organization_and_teams
@start_and_end()
@click.option("--seats", type=click.IntRange(1), metavar="N", help="Number of seats; adds seat utilization.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=REPORT_FILE,
    help="HTML file to write.",
)
@click.option("--csv", "csv_folder", type=click.Path(file_okay=False, path_type=Path), help="Folder for its tables.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@with_now
def command(
    now: dt.datetime,
    target: Warehouse,
    organization: str | None,
    start: dt.date | None,
    end: dt.date | None,
    team_map: Path | None,
    min_team: int,
    seats: int | None,
    output: Path,
    csv_folder: Path | None,
    opened: bool,
) -> None:
    """Write a self-contained HTML report; opening it loads nothing from the network.

    It shows usage, acceptance, cost, people and data quality.
    """
    from claude_code_analytics.dates import check_range

    from ..metrics.figures import Request, read_figures
    from ..metrics.teams import read_team_map
    from ..report.charts import renderer
    from ..report.files import write_report
    from .frame import print_lines, reported

    with reported():
        renderer()  # refuses before the warehouse is read
        check_range(start, end, now.date(), names=("--start", "--end"))
        teams = read_team_map(team_map) if team_map else None
        request = Request(organization, start, end, teams=teams, min_team=min_team, seats=seats)
        written = write_report(read_figures(target, request, now), output, csv_folder)
        print_lines([f"wrote {written[0]}" + (f" and {len(written) - 1} tables in {csv_folder}" if csv_folder else "")])
        if opened:
            click.launch(str(output))
