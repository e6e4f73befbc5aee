"""The command `load`, and the end that it shares with `backfill`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from .options import load_options, staging_and_views, start_and_end, with_warehouse
from .settings import SETTINGS, with_settings

if TYPE_CHECKING:
    from claude_code_analytics import AnalyticsClient

    from ..console.progress import Display
    from ..events import LoadReport
    from ..warehouse import Warehouse


@click.command("load")
@with_warehouse
@start_and_end()
@load_options()
@with_settings(*SETTINGS)
@staging_and_views
@click.pass_obj
def command(
    client: AnalyticsClient | None,
    target: Warehouse,
    start: dt.date | None,
    end: dt.date | None,
    window_days: int,
    progress: str,
    views: bool,
) -> None:
    """Load every day up to today that is not held or may still change.

    With --end it loads a closed range instead, which leaves the incremental cursor alone.
    """
    from ..loader import load
    from .frame import reported

    with reported(progress, loads=True) as shown:
        finish(
            lambda: load(target, start=start, end=end, window_days=window_days, client=client, observer=shown),
            target,
            shown,
            with_views=views,
        )


def finish(work: Callable[[], LoadReport], target: Warehouse, shown: Display, *, with_views: bool) -> None:
    """Loads, brings the views up to date, also where the load is incomplete, and prints what was loaded."""
    from claude_code_analytics import ClaudeCodeAnalyticsError

    from ..console import messages
    from ..exit_codes import INCOMPLETE
    from .frame import next_command

    try:
        report = work()
    except ClaudeCodeAnalyticsError:
        if with_views and shown.committed_days:
            _refresh_views(target, shown)
        raise
    are_current = not with_views or _refresh_views(target, shown)
    shown.finish([*messages.loaded(report), next_command(target, "status")])
    if not are_current:
        raise click.exceptions.Exit(INCOMPLETE)


def _refresh_views(target: Warehouse, shown: Display) -> bool:
    """Brings the views up to date, or says why they are not. Returns whether they are."""
    from claude_code_analytics import ConfigurationError, DestinationError
    from claude_code_analytics.foreign_text import printable
    from claude_code_analytics.warehouse.destinations import destination_of

    from ..error_messages import translate_errors
    from ..metrics.catalog import VIEWS
    from ..metrics.views import create_views

    try:
        pipeline = target.dlt_pipeline()
        if not destination_of(pipeline).has_views:
            shown.print("warning: Delta tables have no views; report and summary need none")
            return True
        with translate_errors("the warehouse could not be reached"):
            create_views(pipeline)
    except (ConfigurationError, DestinationError) as error:
        shown.print(f"error: the days are committed, but the views are not up to date: {printable(str(error))}")
        return False
    shown.print(f"{len(VIEWS)} views are up to date")
    return True
