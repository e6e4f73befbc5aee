"""The command `summary`."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from ..defaults import BREAKDOWNS, SUMMARY_WEEKS
from .options import reading, with_request, with_warehouse

if TYPE_CHECKING:
    from ..metrics.figures import Request
    from ..warehouse import Warehouse


@click.command("summary", short_help="Show headline numbers and a table.")
@with_warehouse
@reading
@with_request
@click.option("--weeks", type=click.IntRange(1, 520), default=SUMMARY_WEEKS, help="Weeks of seven days.")
@click.option("--by", type=click.Choice(BREAKDOWNS), default="model", help="Breakdown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the breakdown as CSV.")
def command(
    target: Warehouse, now: dt.datetime, request: Request, weeks: int, by: str, as_json: bool, as_csv: bool
) -> None:
    """Show headline numbers of the last complete weeks, their change, and a breakdown."""
    from ..console import summary
    from ..metrics.csv_text import csv_of
    from ..metrics.figures import read_figures
    from ..metrics.queries import HEADLINE_QUERIES
    from .frame import print_json, print_lines, standard_output

    queries = (*HEADLINE_QUERIES, "people") if by == "person" else HEADLINE_QUERIES
    figures = read_figures(target, replace(request, days=7 * weeks), now, queries)
    if as_json:
        print_json(summary.as_json(figures, by))
    elif as_csv:
        print_lines(csv_of(figures.table(by)).splitlines())
    else:
        with standard_output():
            summary.show(figures, by)
