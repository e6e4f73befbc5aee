"""The command `backfill`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click

from .options import HelpfulCommand, load_options, staging_and_views, start_and_end, with_warehouse
from .settings import with_settings

if TYPE_CHECKING:
    from claude_code_analytics import AnalyticsClient

    from ..warehouse import Warehouse


@click.command("backfill", cls=HelpfulCommand)
@with_warehouse
@start_and_end(required=True)
@load_options()
@with_settings("max_concurrent_days", "actor_identity", "organization_id", "base_url")
@staging_and_views
@click.pass_obj
def command(
    client: AnalyticsClient | None,
    target: Warehouse,
    start: dt.date,
    end: dt.date,
    window_days: int,
    progress: str,
    views: bool,
) -> None:
    """Load a closed range of days.

    Repeat the command within 24 hours to resume an interrupted one.
    """
    from ..loader import backfill
    from .frame import reported
    from .load import finish

    with reported(progress, loads=True) as shown:
        finish(
            lambda: backfill(target, start, end, window_days=window_days, client=client, observer=shown),
            target,
            shown,
            with_views=views,
        )
