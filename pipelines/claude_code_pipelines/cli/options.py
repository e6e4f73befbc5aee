"""Options that several commands share, and their conversion: to days, a warehouse, the time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from claude_code_analytics.constants import SOURCE_NAME

from ..defaults import DATASET, DESTINATION, MIN_TEAM, PROGRESS_STYLES, WINDOW_DAYS
from ..exit_codes import MISTAKE

if TYPE_CHECKING:
    from claude_code_analytics import AnalyticsClient

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


class HelpfulCommand(click.Command):
    """A command with required options, which shows its help where nothing is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(MISTAKE)
        return super().parse_args(ctx, args)


def day(text: str) -> dt.date:
    """Converts the value of an option, in any form that the parameters of the source take."""
    from claude_code_analytics import ConfigurationError
    from claude_code_analytics.dates import parse_day

    try:
        return parse_day(text, "day")
    except ConfigurationError:
        raise click.BadParameter(f"{text[:60]!r} is not a day; write YYYY-MM-DD, such as 2025-01-31") from None


def start_and_end(*, required: bool = False) -> Decorator:
    return all_of(
        click.option("--start", type=day, required=required, help="First day, inclusive (UTC, YYYY-MM-DD)."),
        click.option("--end", type=day, required=required, help="Last day, inclusive (UTC, YYYY-MM-DD)."),
    )


def load_options(days: int = WINDOW_DAYS) -> Decorator:
    return all_of(
        click.option("--window-days", type=int, metavar="N", default=days, help="Days committed together."),
        click.option("--progress", type=click.Choice(PROGRESS_STYLES), default="auto", help="Progress display."),
    )


def with_warehouse(command: Command) -> Command:
    """Adds the options that lead to a warehouse, and passes it to the command as `target`."""

    @wraps(command)
    def run(
        *args: Any, destination: str, dataset: str, pipeline: str, staging: str | None = None, **kwargs: Any
    ) -> Any:
        from ..warehouse import Warehouse

        return command(*args, target=Warehouse(destination, dataset, pipeline, staging=staging), **kwargs)

    return all_of(
        click.option("--destination", default=DESTINATION, help="Name of a dlt destination."),
        click.option("--dataset", default=DATASET, help="Dataset (schema) of the tables."),
        click.option("--pipeline", default=SOURCE_NAME, help="Name of the dlt pipeline."),
    )(run)


def reading(command: Command) -> Command:
    """Frames a command that reads, see `frame.reported`, and passes it the time as `now`.

    It is the machine's time, or that of the client that a test hands in.
    """

    @click.pass_obj
    @wraps(command)
    def run(client: AnalyticsClient | None, /, **kwargs: Any) -> Any:
        from .frame import reported

        with reported():
            return command(now=client.now() if client else dt.datetime.now(dt.timezone.utc), **kwargs)

    return run


def month(text: str) -> dt.date:
    """Converts the value of an option to the first day of a month."""
    try:
        return dt.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  # a month, no time
    except ValueError:
        raise click.BadParameter(f"{text[:60]!r} is not a month; write YYYY-MM, such as 2025-01") from None


def dollars(text: str) -> float:
    """Converts the value of an option to an amount above zero."""
    try:
        amount = float(text.removeprefix("$").replace(",", ""))
    except ValueError:
        amount = math.nan
    if not 0 < amount < math.inf:
        raise click.BadParameter(f"{text[:60]!r} is not an amount of US dollars; write a number such as 2500")
    return amount


def with_request(command: Command) -> Command:
    """Adds the options that choose organization, period and people, and passes them to the command as `request`."""

    @wraps(command)
    def run(
        *args: Any,
        start: dt.date | None,
        end: dt.date | None,
        team_map: Path | None,
        no_people: bool,
        now: dt.datetime,
        **kwargs: Any,
    ) -> Any:
        from claude_code_analytics.dates import check_range

        from ..metrics.figures import Request
        from ..metrics.team_map import read_team_map

        check_range(start, end, now.date(), names=("--start", "--end"))
        own = {name: kwargs.pop(name) for name in _REQUEST}
        teams = read_team_map(team_map) if team_map else None
        request = Request(first=start, last=end, teams=teams, names_people=not no_people, **own)
        return command(*args, request=request, now=now, **kwargs)

    return all_of(
        click.option("--organization", metavar="ID", help="Organization, where the dataset has several."),
        click.option("--month", type=month, metavar="YYYY-MM", help="A calendar month, against the one before."),
        click.option("--weeks", type=click.IntRange(1, 520), metavar="N", help="The last complete weeks, from Monday."),
        start_and_end(),
        click.option(
            "--team-map",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="CSV file of people, with a column of addresses and one of teams.",
        ),
        click.option("--no-people", is_flag=True, help="Do not name people."),
        click.option(
            "--min-team",
            type=click.IntRange(1),
            metavar="N",
            default=MIN_TEAM,
            help="With --no-people: smallest team shown by name; smaller ones are one row.",
        ),
        click.option(
            "--seats", type=click.IntRange(1), metavar="N", help="Number of seats, to show how many are used."
        ),
        click.option("--seat-price", type=dollars, metavar="USD", help="Price of a seat per month."),
        click.option("--budget", type=dollars, metavar="USD", help="Budget per month."),
    )(run)


# Options that are fields of `Request` by the same name.
_REQUEST = ("organization", "month", "weeks", "min_team", "seats", "seat_price", "budget")


def all_of(*options: Decorator) -> Decorator:
    """Makes one decorator of several, which add their options in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


staging_and_views = all_of(
    click.option("--staging", metavar="NAME", help="Stage files in a bucket: `filesystem` of dlt's config."),
    click.option("--views", is_flag=True, help="Create the views too, or bring them up to date."),
)
