"""The command line: options, exit codes, and one line for each error.

Exit codes (public contract): 0 done; 1 a load that is incomplete; 2 a mistake in arguments, configuration or
credentials before anything was committed.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import logging
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
import dlt

from claude_code_analytics import (
    AnalyticsClient,
    ApiError,
    ClaudeCodeAnalyticsError,
    ConfigurationError,
    CredentialRefused,
    DestinationError,
)
from claude_code_analytics.api.clock import utc_now
from claude_code_analytics.config import resolve_config
from claude_code_analytics.constants import SOURCE_NAME, version
from claude_code_analytics.dates import ONE_DAY, check_range, parse_day
from claude_code_analytics.foreign_text import printable
from claude_code_analytics.warehouse.destinations import destination_of

from .check import CHECKED_DAYS, check_credential
from .console import messages, summary
from .console.progress import STYLES, Display, display
from .defaults import WINDOW_DAYS
from .error_messages import translate_errors
from .events import DaysNotHeld, LoadReport
from .loader import backfill, load
from .metrics.csv_text import csv_of
from .metrics.figures import Request, read_figures
from .metrics.pulse import Pulse, read_pulses
from .metrics.queries import HEADLINE_QUERIES
from .metrics.teams import MIN_TEAM, read_team_map
from .metrics.views import create_views, print_views
from .read_only import open_read_only, require_file
from .report.charts import renderer
from .report.files import write_report
from .signals import INCOMPLETE, interruptible
from .status import status_of
from .warehouse import Warehouse

PROGRAM = "claude-code-analytics"
MISTAKE = 2
# More than a year, with the roll-out, and in one window: nothing can be lost on the way.
DEMO_DAYS = 400
# Has the commands that load keep the views up to date, as `--views` does.
VIEWS_SETTING = f"sources.{SOURCE_NAME}.views"
REPORT_FILE = Path("claude-code-report.html")

_HELP_END = """
\b
Credentials: ANTHROPIC_ADMIN_KEY in the environment, or
sources.claude_code_analytics.api_key in .dlt/secrets.toml. The warehouse's
address and credentials come from dlt's configuration, such as
DESTINATION__POSTGRES__CREDENTIALS.

\b
Exit codes: 0 done; 1 a load that is incomplete, what was committed stays;
2 a mistake in arguments, configuration or credentials.

\b
Examples:
  claude-code-analytics demo
  claude-code-analytics check
  claude-code-analytics load --start 2026-01-01
  claude-code-analytics load --destination snowflake
  claude-code-analytics backfill --start 2026-06-01 --end 2026-06-30
  claude-code-analytics status --fail-on-gap
  claude-code-analytics summary --by tool
  claude-code-analytics report --open
"""

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
_staging = click.option("--staging", metavar="NAME", help="Stage files in a bucket: `filesystem` of dlt's config.")
_views = click.option("--views", is_flag=True, help="Create the views too, or bring them up to date.")


def _how(window_days: int = WINDOW_DAYS) -> Callable[[_Command], _Command]:
    return _options(
        click.option(
            "--window-days", type=int, default=window_days, show_default=True, help="Days committed together."
        ),
        click.option(
            "--progress", type=click.Choice(STYLES), default="auto", show_default=True, help="Progress display."
        ),
    )


_organization = click.option("--organization", metavar="ID", help="Organization, where the dataset has several.")
_teams = _options(
    click.option(
        "--team-map", type=click.Path(path_type=Path), metavar="FILE.csv", help="Columns email and team, with a header."
    ),
    click.option(
        "--min-team", type=click.IntRange(1), default=MIN_TEAM, show_default=True, help="Fewest people of a shown team."
    ),
)
_first = click.option("--start", metavar="DAY", help="First day, inclusive (UTC, YYYY-MM-DD).")
_last = click.option("--end", metavar="DAY", help="Last day, inclusive (UTC, YYYY-MM-DD).")


@click.group(
    invoke_without_command=True,
    epilog=_HELP_END,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(version(), prog_name=PROGRAM)
@click.pass_context
def commands(context: click.Context) -> None:
    """Load an organization's Claude Code analytics into a warehouse, day by day."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@commands.command("demo", short_help="Load a built-in sample organization.")
@_where
@_first
@_last
@_how(DEMO_DAYS)
@click.option("--missing", metavar="DAY", help="Leave this day out, to see how a gap is shown.")
@click.option("--report", "with_report", is_flag=True, help="Make the report of it: an HTML file beside the database.")
def demo_command(
    destination: str,
    dataset: str,
    pipeline: str,
    start: str | None,
    end: str | None,
    window_days: int,
    progress: str,
    missing: str | None,
    with_report: bool,
) -> None:
    """Load a built-in sample organization: no key, no network."""
    with _reported(progress, loads=True) as shown, tempfile.TemporaryDirectory() as working_dir:
        from claude_code_simulator import SampleOrganization, SimulatedApi  # only the demo needs it

        if with_report:
            renderer()  # refuses before the days are loaded
        organization = SampleOrganization()
        api = SimulatedApi(organization)
        with AnalyticsClient(api_key=api.credentials.admin_key, transport=api.transport) as client:
            target = Warehouse(destination, dataset, pipeline, working_dir)
            first = _day(start, "--start") or client.now().date() - (DEMO_DAYS - 1) * ONE_DAY
            last, gap = _day(end, "--end"), _day(missing, "--missing")
            spans = [(first, last)]
            if gap is not None:  # it splits the range
                end_of_all = last or client.now().date()
                parts = (first, min(gap - ONE_DAY, end_of_all)), (max(first, gap + ONE_DAY), end_of_all)
                spans = [part for part in parts if part[0] <= part[1]]
            loads = [
                load(target, start=first, end=last, window_days=window_days, client=client, observer=shown)
                for first, last in spans
            ]
            made = replace(target, working_dir=None)
            if with_report:
                request = Request(teams=organization.teams, seats=organization.seats)
                figures = read_figures(made, request, client.now())
                write_report(figures, REPORT_FILE)
        following = _next_command(made, "report" if find_spec("vl_convert") else "summary")
        following = f"open {REPORT_FILE}" if with_report else following
        shown.finish([*messages.loaded(sum(loads, LoadReport()), dataset), following])


@commands.command("load", short_help="Load what is new, missing or may still change.")
@_where
@_first
@_last
@_how()
@_staging
@_views
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
    views: bool,
) -> None:
    """Load every day up to today that is not held or not settled yet.

    With --end it loads a closed range instead, which leaves the incremental cursor alone.
    """
    with _reported(progress, loads=True) as shown:
        target = Warehouse(destination, dataset, pipeline, staging=staging)
        report = load(
            target,
            start=_day(start, "--start"),
            end=_day(end, "--end"),
            window_days=window_days,
            client=client,
            observer=shown,
        )
        _refresh_views(target, shown, wanted=views)
        shown.finish([*messages.loaded(report, dataset), _next_command(target)])


@commands.command("backfill", short_help="Load a closed range of days.")
@_where
@click.option("--start", metavar="DAY", required=True, help="First day, inclusive (UTC, YYYY-MM-DD).")
@click.option("--end", metavar="DAY", required=True, help="Last day, inclusive (UTC, YYYY-MM-DD).")
@_how()
@_staging
@_views
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
    views: bool,
) -> None:
    """Load a closed range of days; an interrupted one of the same range goes on where it stopped."""
    with _reported(progress, loads=True) as shown:
        first, last = parse_day(start, "--start"), parse_day(end, "--end")
        check_range(first, last, names=("--start", "--end"))
        target = Warehouse(destination, dataset, pipeline, staging=staging)
        report = backfill(target, first, last, window_days=window_days, client=client, observer=shown)
        _refresh_views(target, shown, wanted=views)
        shown.finish([*messages.loaded(report, dataset), _next_command(target)])


@commands.command("check", short_help="Explain what the credential can do.")
@click.pass_obj
def check_command(client: AnalyticsClient | None) -> None:
    """Call the endpoint with the configured credential, and explain the response."""
    with _reported():
        config = resolve_config()
        connection = client or config.client()
        click.echo(f"calling {urlsplit(config.base_url).hostname} for the last {CHECKED_DAYS} days", err=True)
        try:
            _print(messages.checked(check_credential(connection)))
        finally:
            if client is None:
                connection.close()


@commands.command("status", short_help="Show the state of every day.")
@_where
@_first
@_last
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--fail-on-gap", is_flag=True, help="Exit with 1 when days are missing or inconsistent.")
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
    """Show which days are held, missing, partial, changed or inconsistent, and the rows of each table."""
    with _reported():
        now = (client.now if client else utc_now)()
        first, last = _day(start, "--start"), _day(end, "--end")
        check_range(first, last, now.date(), names=("--start", "--end"))
        with open_read_only(Warehouse(destination, dataset, pipeline)) as opened:
            status = status_of(opened, now, first, last)
            pulses = _read_pulses(opened, now.date())
        as_text = json.dumps(messages.status_json(status, pulses), indent=2).splitlines() if as_json else None
        _print(as_text or messages.status_lines(status, pulses))
        if fail_on_gap and status.has_gap:
            raise click.exceptions.Exit(INCOMPLETE)


def _read_pulses(pipeline: dlt.Pipeline, today: dt.date) -> Mapping[str, Pulse]:
    """Returns cost and customer types by organization; the proof is complete without them."""
    try:
        return read_pulses(pipeline, today)
    except DestinationError as error:
        logging.getLogger("claude_code_analytics").warning(
            "cost and customer types are left out of the status: %s", error
        )
        return {}


@commands.command("summary", short_help="Show headline numbers and a table.")
@_where
@_organization
@click.option("--weeks", type=click.IntRange(1, 520), default=4, show_default=True, help="Weeks of seven days.")
@click.option("--by", type=click.Choice(summary.BREAKDOWNS), default="model", show_default=True, help="Breakdown.")
@_teams
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the breakdown as CSV.")
@click.pass_obj
def summary_command(
    client: AnalyticsClient | None,
    destination: str,
    dataset: str,
    pipeline: str,
    organization: str | None,
    weeks: int,
    by: str,
    team_map: Path | None,
    min_team: int,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show headline numbers of the last complete weeks, their change, and a breakdown."""
    with _reported():
        request = Request(organization, days=7 * weeks, teams=_team_map(team_map), min_team=min_team)
        queries = (*HEADLINE_QUERIES, "people") if by == "person" else HEADLINE_QUERIES
        now = (client.now if client else utc_now)()
        figures = read_figures(Warehouse(destination, dataset, pipeline), request, now, queries)
        if as_json:
            _print(json.dumps(summary.as_json(figures, by), indent=2).splitlines())
        elif as_csv:
            _print(csv_of(figures.table(by)).splitlines())
        else:
            summary.show(figures, by)


@commands.command("report", short_help="Write one HTML page.")
@_where
@_organization
@_first
@_last
@_teams
@click.option("--seats", type=click.IntRange(1), metavar="N", help="Seats of the organization, for the use of them.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=REPORT_FILE,
    show_default=True,
    help="HTML file to write.",
)
@click.option("--csv", "csv_folder", type=click.Path(file_okay=False, path_type=Path), help="Folder for its tables.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@click.pass_obj
def report_command(
    client: AnalyticsClient | None,
    destination: str,
    dataset: str,
    pipeline: str,
    organization: str | None,
    start: str | None,
    end: str | None,
    team_map: Path | None,
    min_team: int,
    seats: int | None,
    output: Path,
    csv_folder: Path | None,
    opened: bool,
) -> None:
    """Write one HTML page with use, acceptance, cost, people and quality of the data; it makes no request."""
    with _reported():
        renderer()  # refuses before the warehouse is read
        now = (client.now if client else utc_now)()
        first, last = _day(start, "--start"), _day(end, "--end")
        check_range(first, last, now.date(), names=("--start", "--end"))
        request = Request(organization, first, last, teams=_team_map(team_map), min_team=min_team, seats=seats)
        figures = read_figures(Warehouse(destination, dataset, pipeline), request, now)
        written = write_report(figures, output, csv_folder)
        _print([f"wrote {written[0]}" + (f" and {len(written) - 1} tables in {csv_folder}" if csv_folder else "")])
        if opened:
            click.launch(str(output))


@commands.command("views", short_help="Create the views beside the tables.")
@_where
@click.option("--print", "printed", is_flag=True, help="Print their SQL for the destination, and touch nothing.")
def views_command(destination: str, dataset: str, pipeline: str, printed: bool) -> None:
    """Create the views beside the tables: who is active, what is accepted, what it costs."""
    with _reported(), tempfile.TemporaryDirectory() as working_dir:
        opened = Warehouse(destination, dataset, pipeline, working_dir).dlt_pipeline()
        if printed:
            with translate_errors("the views could not be written"):
                _print(line for text in print_views(opened) for line in text.splitlines())
            return
        with translate_errors("the warehouse could not be opened"):
            require_file(opened)
            opened.sync_destination()
        _print(f"created view {name} in dataset {dataset}" for name in create_views(opened))


def _refresh_views(target: Warehouse, shown: Display, *, wanted: bool) -> None:
    """Creates the views after a load, on request or by configuration. Delta has none, which is no failure."""
    if not (wanted or dlt.config.get(VIEWS_SETTING, bool)):
        return
    pipeline = target.dlt_pipeline()
    if not destination_of(pipeline).has_views:
        shown.print("warning: Delta tables have no views; report and summary need none")
        return
    created = create_views(pipeline)
    shown.print(f"{len(created)} views are up to date")


@contextmanager
def _reported(progress: str = "none", *, loads: bool = False) -> Iterator[Display]:
    """Wraps a command: shows progress and the log, and turns every error into one line and an exit code.

    Args:
        progress: Style of the progress display.
        loads: Whether the command loads, so that what is committed is reported after an error.
    """
    shown = display(progress)
    handler = _Handler(shown)
    logger = logging.getLogger("claude_code_analytics")
    logger.addHandler(handler)
    propagates, logger.propagate = logger.propagate, False
    try:
        with interruptible(), shown, translate_errors():
            _quieten_dlt()
            yield shown
    except BrokenPipeError:  # the reader of a pipe has seen enough
        raise
    except (ClaudeCodeAnalyticsError, OSError) as error:
        click.echo(f"error: {printable(str(error))}", err=True)
        mistake = isinstance(error, (ConfigurationError, CredentialRefused, OSError))
        if shown.committed_days or (loads and isinstance(error, (ApiError, DaysNotHeld)) and not mistake):
            click.echo(messages.stopped(shown.committed_days), err=True)
        raise click.exceptions.Exit(MISTAKE if mistake and not shown.committed_days else INCOMPLETE) from None
    except KeyboardInterrupt:
        click.echo(f"interrupted; {messages.stopped(shown.committed_days)}" if loads else "interrupted", err=True)
        raise click.exceptions.Exit(INCOMPLETE) from None
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


class _Handler(logging.Handler):
    """Shows the connector's log beside the progress."""

    def __init__(self, shown: Display) -> None:
        super().__init__(logging.WARNING)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        self._shown.print(f"{record.levelname.lower()}: {printable(record.getMessage())}")


def _quieten_dlt() -> None:
    """Switches off dlt's own log and telemetry, unless the environment says otherwise: a demo needs no network.

    dlt starts both when it reads its first setting, so this comes before.
    """
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")


def _day(text: str | None, name: str) -> dt.date | None:
    return None if text is None else parse_day(text, name)


def _team_map(file: Path | None) -> dict[str, str] | None:
    return None if file is None else read_team_map(file)


def _next_command(target: Warehouse, command: str = "status") -> str:
    """Names the next command, with the options that lead to the same warehouse."""
    chosen = (("destination", target.destination), ("dataset", target.dataset), ("pipeline", target.pipeline))
    options = [f" --{name} {shlex.quote(value)}" for name, value in chosen if value != getattr(Warehouse, name)]
    # not on the path, the program is named as it was started
    program = sys.argv[0] if Path(sys.argv[0]).name == PROGRAM and not which(PROGRAM) else PROGRAM
    return f"next: {shlex.quote(program)} {command}{''.join(options)}"


def _print(lines: Iterable[str]) -> None:
    """Prints lines; ids and other text from outside lose their control characters, line breaks too."""
    text = "\n".join("".join(filter(str.isprintable, line)) for line in lines)
    try:
        click.echo(text)
    except BrokenPipeError:  # the reader has seen enough
        raise
    except OSError as error:
        raise ClaudeCodeAnalyticsError(f"standard output cannot be written: {error.strerror}") from None


def run(arguments: list[str]) -> int:
    """Runs the command line and returns the exit code.

    Args:
        arguments: The arguments after the program's name.
    """
    os.umask(0o077)  # new files hold names and addresses: only their owner may read them (D11)
    # dlt and its dependencies keep a few hundred thousand objects; looking for cycles among them costs a tenth
    gc.set_threshold(100_000, 50, 100)
    try:
        return int(commands(arguments, prog_name=PROGRAM, standalone_mode=False) or 0)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else PROGRAM
        click.echo(f"error: {error.format_message()} (see {command} --help)", err=True)
        return MISTAKE
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return INCOMPLETE
    except OSError as error:  # of the help
        click.echo(f"error: standard output cannot be written: {error.strerror}", err=True)
        return INCOMPLETE
