"""The command line: options, exit codes, and the one line that says what went wrong.

Exit codes (public contract): 0 done; 1 a load that is incomplete; 2 a mistake in arguments, configuration or
credentials before anything was committed.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from claude_code_analytics import (
    AnalyticsClient,
    ClaudeCodeAnalyticsError,
    ConfigurationError,
    CredentialRefused,
    DestinationError,
)
from claude_code_analytics.api.rate_limit import utc_now
from claude_code_analytics.dates import ONE_DAY, DayRange, checked_range, last_final_day, parse_day
from claude_code_analytics.settings import SOURCE_NAME, WINDOW_DAYS, version

from .console import summary
from .console.progress import STYLES, Display, display
from .errors import plain_errors
from .ledger import read_status
from .load import Loading, backfill, load
from .parameters import configured_client
from .pipeline import Warehouse
from .views import create_views

INCOMPLETE = 1
MISTAKE = 2
DEMO_DAYS = 90
CHECKED_DAYS = 7

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _options(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_where = _options(
    click.option("--destination", default="duckdb", show_default=True, help="Name of a dlt destination."),
    click.option("--dataset", default="claude_code", show_default=True, help="Dataset (schema) of the tables."),
    click.option("--pipeline", default=SOURCE_NAME, show_default=True, help="Name of the dlt pipeline."),
)
_staging = click.option(
    "--staging", metavar="NAME", help="Send files by way of a bucket: `filesystem` of dlt's config."
)
_how = _options(
    click.option("--window-days", type=int, default=WINDOW_DAYS, show_default=True, help="Days committed together."),
    click.option("--progress", type=click.Choice(STYLES), default="auto", show_default=True, help="How to show it."),
)
_first = click.option("--start", metavar="DAY", help="First day, inclusive (UTC, YYYY-MM-DD).")
_last = click.option("--end", metavar="DAY", help="Last day, inclusive (UTC, YYYY-MM-DD).")


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version(), prog_name="claude-code-analytics")
def commands() -> None:
    """Load an organization's Claude Code analytics into a warehouse, day by day."""


@commands.command("demo")
@_where
@_first
@_last
@_how
def demo_command(
    destination: str,
    dataset: str,
    pipeline: str,
    start: str | None,
    end: str | None,
    window_days: int,
    progress: str,
) -> None:
    """Load a built-in sample organization: no key, no network."""
    with _reported(progress) as (shown, loading), tempfile.TemporaryDirectory() as working_dir:
        from claude_code_simulator import SampleOrganization, SimulatedApi  # only the demo needs it

        api = SimulatedApi(SampleOrganization())
        with AnalyticsClient(api_key=api.credentials.admin_key, transport=api.transport) as client:
            target = Warehouse(destination, dataset, pipeline, working_dir)
            first = parse_day(start, "--start") if start else client.now().date() - (DEMO_DAYS - 1) * ONE_DAY
            last = parse_day(end, "--end") if end else None
            load(target, start=first, end=last, window_days=window_days, client=client, watch=shown, loading=loading)
        _say(summary.loaded(loading, dataset))
        _say([_next_command(target)])


@commands.command("load")
@_where
@_first
@_last
@_how
@_staging
@click.pass_obj
def load_command(
    client: AnalyticsClient | None,
    destination: str,
    dataset: str,
    pipeline: str,
    start: str | None,
    end: str | None,
    window_days: int,
    progress: str,
    staging: str | None,
) -> None:
    """Load what is new, up to today, and read recent days again.

    With --end it loads a closed range instead, which leaves the incremental cursor alone.
    """
    with _reported(progress) as (shown, loading):
        first = parse_day(start, "--start") if start else None
        last = parse_day(end, "--end") if end else None
        target = Warehouse(destination, dataset, pipeline, staging=staging)
        load(target, start=first, end=last, window_days=window_days, client=client, watch=shown, loading=loading)
        _say(summary.loaded(loading, dataset))
        _say([_next_command(target)])


@commands.command("backfill")
@_where
@click.option("--start", metavar="DAY", required=True, help="First day, inclusive (UTC, YYYY-MM-DD).")
@click.option("--end", metavar="DAY", required=True, help="Last day, inclusive (UTC, YYYY-MM-DD).")
@_how
@_staging
@click.pass_obj
def backfill_command(
    client: AnalyticsClient | None,
    destination: str,
    dataset: str,
    pipeline: str,
    start: str,
    end: str,
    window_days: int,
    progress: str,
    staging: str | None,
) -> None:
    """Load a closed range of days; an interrupted one of the same range goes on where it stopped."""
    with _reported(progress) as (shown, loading):
        first, last = parse_day(start, "--start"), parse_day(end, "--end")
        target = Warehouse(destination, dataset, pipeline, staging=staging)
        backfill(target, first, last, window_days=window_days, client=client, watch=shown, loading=loading)
        if loading.resumed_after:
            _say([f"an interrupted backfill of this range had come to {loading.resumed_after}; went on from there"])
        _say(summary.loaded(loading, dataset))
        _say([_next_command(target)])


@commands.command("check")
@click.pass_obj
def check_command(client: AnalyticsClient | None) -> None:
    """Ask the very endpoint with the credential at hand, and explain the answer."""
    with _reported():
        connection = client or configured_client()
        try:
            connection.require_credential()
            last = last_final_day(connection.now())
            days = list(connection.days(DayRange(last - (CHECKED_DAYS - 1) * ONE_DAY, last).days()))
            _say(summary.checked(connection.organization_id(), days))
        finally:
            if client is None:
                connection.close()


@commands.command("status")
@_where
@_first
@_last
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--fail-on-gap", is_flag=True, help="Exit with 1 when days are missing.")
@click.pass_obj
def status_command(
    client: AnalyticsClient | None,
    destination: str,
    dataset: str,
    pipeline: str,
    start: str | None,
    end: str | None,
    as_json: bool,
    fail_on_gap: bool,
) -> None:
    """Read the ledger: days that are loaded, missing, partial or changed, and rows."""
    with _reported():
        now = (client.now if client else utc_now)()
        first = parse_day(start, "--start") if start else None
        last = parse_day(end, "--end") if end else None
        checked_range(first or dt.date.min, last or now.date(), now, names=("--start", "--end"))
        with tempfile.TemporaryDirectory() as working_dir:
            opened = Warehouse(destination, dataset, pipeline, working_dir).open()
            status = read_status(opened, now, first, last)
        _say([json.dumps(summary.status_json(status), indent=2)] if as_json else summary.status_lines(status))
        if fail_on_gap and (status.missing or status.damaged or status.interrupted or not status.loaded):
            raise click.exceptions.Exit(INCOMPLETE)


@commands.command("views")
@_where
def views_command(destination: str, dataset: str, pipeline: str) -> None:
    """Create a view of costs in US dollars beside the tables."""
    with _reported(), tempfile.TemporaryDirectory() as working_dir:
        created = create_views(Warehouse(destination, dataset, pipeline, working_dir).open())
        _say(f"created view {name} in dataset {dataset}" for name in created)


@contextmanager
def _reported(progress: str | None = None) -> Iterator[tuple[Display, Loading]]:
    """Around a command: the display, the log, and every mistake as one line with its exit code.

    Args:
        progress: How a load is shown; None for a command that loads nothing.
    """
    loading = Loading()
    shown = display(progress or "none")
    handler = _Handler(shown)
    logger = logging.getLogger("claude_code_analytics")
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        with shown, plain_errors():
            _quieten_dlt()
            yield shown, loading
    except (ClaudeCodeAnalyticsError, OSError) as error:
        click.echo(f"error: {' '.join(str(error).split())}", err=True)
        mistake = isinstance(error, (ConfigurationError, CredentialRefused, DestinationError, OSError))
        if loading.committed or (progress and not mistake):
            click.echo(summary.stopped(loading), err=True)
        raise click.exceptions.Exit(MISTAKE if mistake and not loading.committed else INCOMPLETE) from None
    except KeyboardInterrupt:
        click.echo(f"interrupted; {summary.stopped(loading)}" if progress else "interrupted", err=True)
        raise click.exceptions.Exit(INCOMPLETE) from None
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


class _Handler(logging.Handler):
    """Shows what the connector logs beside the progress."""

    def __init__(self, shown: Display) -> None:
        super().__init__(logging.WARNING)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        self._shown.say(f"{record.levelname.lower()}: {record.getMessage()}")


def _quieten_dlt() -> None:
    """Keeps dlt's own log and its telemetry off, unless the environment says otherwise: a demo needs no network.

    To be called before dlt looks at any setting, for with the first one it starts both.
    """
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")


def _next_command(target: Warehouse) -> str:
    """What to try next, with the options that lead to the same warehouse."""
    chosen = (("destination", target.destination), ("dataset", target.dataset), ("pipeline", target.pipeline))
    options = [f" --{name} {value}" for name, value in chosen if value != getattr(Warehouse, name)]
    return f"next: claude-code-analytics status{''.join(options)}"


def _say(lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        click.echo(line)


def _interrupt(number: int, frame: object) -> None:
    """Ends like Ctrl-C: it is how schedulers stop a job."""
    raise KeyboardInterrupt


def main() -> None:
    """Entry point of `claude-code-analytics`."""
    signal.signal(signal.SIGTERM, _interrupt)
    # dlt and its dependencies keep a few hundred thousand objects: to look for circles among them costs a tenth
    gc.set_threshold(100_000, 50, 100)
    try:
        code = commands(prog_name="claude-code-analytics", standalone_mode=False)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "claude-code-analytics"
        click.echo(f"error: {error.format_message()} (see {command} --help)", err=True)
        code = MISTAKE
    except click.Abort:
        code = INCOMPLETE
    if threading.active_count() > 1:  # an answer that is still awaited; DuckDB complains of threads at the end
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
    sys.exit(code)
