"""The command `status`: the proof, with cost and customer types beside it."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

import click

from ..exit_codes import INCOMPLETE
from .options import reading, start_and_end, with_warehouse

if TYPE_CHECKING:
    from ..warehouse import Warehouse

logger = logging.getLogger("claude_code_analytics")


@click.command("status")
@with_warehouse
@reading
@start_and_end()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--fail-on-gap", is_flag=True, help="Exit with 1 when days are missing or inconsistent.")
def command(
    target: Warehouse, now: dt.datetime, start: dt.date | None, end: dt.date | None, as_json: bool, fail_on_gap: bool
) -> None:
    """Show the state of every day, and the rows of each table.

    A day is held, missing, partial, changed or inconsistent.
    """
    from claude_code_analytics import DestinationError
    from claude_code_analytics.dates import check_range

    from ..console import messages
    from ..metrics.pulse import read_pulses
    from ..read_only import open_read_only
    from ..status import status_of
    from .frame import print_json, print_lines

    check_range(start, end, now.date(), names=("--start", "--end"))
    with open_read_only(target) as pipeline:
        status = status_of(pipeline, now, start, end)
        try:
            pulses = read_pulses(pipeline, (status.clock or now).date())
        except DestinationError as error:  # the proof is complete without them
            logger.warning("cost and customer types are left out of the status: %s", error)
            pulses = {}
    if as_json:
        print_json(messages.status_json(status, pulses))
    else:
        print_lines(messages.status_lines(status, pulses))
    if fail_on_gap and status.has_gap:
        raise click.exceptions.Exit(INCOMPLETE)
