"""The command `summary`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from .options import reading, with_request, with_warehouse

if TYPE_CHECKING:
    from ..metrics.figures import Request
    from ..warehouse import Warehouse

_BY = "person, key, team, model, tool, terminal, day, week or month; or two, such as model,month."


@click.command("summary")
@with_warehouse
@reading
@with_request
@click.option("--by", default="model", metavar="WHAT", help=_BY)
@click.option("--sort", metavar="COLUMN", help="Column to order by, as --json names it.")
@click.option("--top", type=click.IntRange(1), metavar="N", help="Most rows to show; the others become one row.")
@click.option("--json", is_flag=True, help="Print JSON.")
@click.option("--csv", is_flag=True, help="Print the table as CSV.")
@click.option("--markdown", is_flag=True, help="Print Markdown.")
def command(
    target: Warehouse,
    now: dt.datetime,
    request: Request,
    by: str,
    sort: str | None,
    top: int | None,
    **outputs: bool,
) -> None:
    """Show the cost, who uses Claude Code, what changed, and a table.

    Without a period: the 28 days that end with the newest final day.
    """
    from ..console import summary
    from ..metrics.csv_text import csv_of
    from ..metrics.figures import read_figures
    from ..metrics.queries import SPANS
    from ..metrics.spans import queries_of, table
    from .frame import print_json, print_lines, standard_output

    output = _chosen(outputs)
    counted = ["seen"] if output == "terminal" else []  # it reads all days
    figures = read_figures(target, request, now, [*queries_of(by), *counted])
    is_cut = output not in ("json", "csv") and by not in SPANS
    found = table(figures, by, top or (summary.MOST_ROWS if is_cut else None), sort)
    if output == "json":
        print_json(summary.as_json(figures, by, found))
    elif output == "terminal":
        with standard_output():
            summary.show(figures, by, found)
    else:
        print_lines(csv_of(found).splitlines() if output == "csv" else summary.markdown(figures, by, found))


def _chosen(outputs: Mapping[str, bool]) -> str:
    from claude_code_analytics import ConfigurationError

    chosen = [name for name, is_chosen in outputs.items() if is_chosen]
    if len(chosen) > 1:
        raise ConfigurationError(f"choose one of --{' and --'.join(chosen)}")
    return chosen[0] if chosen else "terminal"
