"""Benchmarks of the project: `python benchmarks` lists them, and each prints its measurements.

Only ratios within one run are comparable: times depend on the machine and its load. Rows are compared before any time
counts.
"""

from __future__ import annotations

import datetime as dt
import gc
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import click
import duckdb
import msgspec

from claude_code_analytics.claude_code.pages import FetchedDay, read_page
from claude_code_analytics.claude_code.tables import Shaping, shape
from claude_code_analytics.privacy import pseudonymizer
from claude_code_analytics.warehouse.unknown_fields import ExtraColumns
from claude_code_simulator import SAMPLE_ORGANIZATION_ID
from measuring import HERE, Run, contender, contents, other_reader, python_with_ingestr, run, serving
from pages import DAY_IN_TEMPLATE, FIRST_DAY, days, templates, totals


@click.group()
def benchmarks() -> None:
    """Measures this project against others, and against its targets."""


# How to load the same days, the least first.
WAYS = ("floor", "plain run", "backfill", "dlt, Parquet", "dlt", "ingestr")
INGESTR = click.option(
    "--ingestr",
    type=Path,
    default=Path("~/.cache/dlt-claude-code-analytics-benchmarks/ingestr"),
    show_default=True,
    help="its environment, made where it is missing",
)
without = click.option("--without", multiple=True, type=click.Choice(WAYS), help="ways to leave out")


@benchmarks.command()
@click.option("--days", "count", default=90, show_default=True)
@click.option("--records", default=1000, show_default=True, help="records a day")
@click.option("--times", default=3, show_default=True, help="rounds; in each, every way runs once")
@without
@INGESTR
def compare(count: int, records: int, times: int, without: tuple[str, ...], ingestr: Path) -> None:
    """Compares this project, plain dlt, ingestr and the floor on the same pages."""
    ways = [way for way in WAYS if way not in without]
    rounds: list[dict[str, Run]] = []
    with serving(records) as address:
        for turn in range(times):
            chosen = [way for way in ways if way != "dlt" or not turn]  # it takes minutes, and is always the last
            rounds.append({way: _loaded(way, address, count, records, ingestr) for way in chosen})
            for way, done in rounds[-1].items():
                click.echo(f"round {turn + 1}, {way}: {done.inside:.1f} s in-process, {done.cpu:.1f} s CPU", err=True)
    click.echo(f"{count} days x {records:,} records, medians of {times} rounds, and of the ratios within each")
    titles = ("whole s", "in-process s", "CPU s", "peak MB", "inside / floor", "CPU / floor", "whole / plain")
    click.echo(f"{'':14}" + "".join(f"{title:>16}" for title in titles))
    for way in ways:
        runs = [each[way] for each in rounds if way in each]
        figures = [_median(run.whole for run in runs), _median(run.inside for run in runs)]
        figures += [_median(run.cpu for run in runs), max(run.megabytes for run in runs)]
        figures += [_ratio(rounds, way, "floor", "inside"), _ratio(rounds, way, "floor", "cpu")]
        figures.append(_ratio(rounds, way, "plain run", "whole"))
        click.echo(f"{way:14}" + "".join(f"{figure:16.2f}" for figure in figures))


def _loaded(way: str, address: str, count: int, records: int, ingestr: Path) -> Run:
    """Loads the days in a process of its own, and compares what the warehouse holds with what was served."""
    with tempfile.TemporaryDirectory() as work:
        database = Path(work, "warehouse.duckdb")
        if way == "ingestr":
            command = [str(python_with_ingestr(ingestr.expanduser())), str(HERE / "ingestr_way.py"), address]
            command += [FIRST_DAY.isoformat(), days(count + 1)[-1].isoformat(), str(database)]
        else:
            command = contender(way, address, count, database)
        done = run(command, Path(work))
        found = contents(database)
    per_day = totals(records)
    expected = {table: (rows * count, round(total * count, 3)) for table, (rows, total) in per_day.items()}
    if way == "ingestr":  # one flat table
        found, expected = {"usage": found["usage"][0]}, {"usage": expected["usage"][0]}
    if found != expected:
        raise click.ClickException(f"{way} has {found}, the API served {expected}")
    return done


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _ratio(rounds: list[dict[str, Run]], way: str, base: str, figure: str) -> float:
    ratios = [getattr(each[way], figure) / getattr(each[base], figure) for each in rounds if {way, base} <= each.keys()]
    return statistics.median(ratios) if ratios else float("nan")


@benchmarks.command()
@click.option("--records", default=1000, show_default=True, help="records a day")
@click.option("--way", "ways", multiple=True, default=("plain run", "backfill"), type=click.Choice(WAYS))
@click.argument("day_counts", nargs=-1, type=int)
@INGESTR
def memory(records: int, ways: tuple[str, ...], day_counts: tuple[int, ...], ingestr: Path) -> None:
    """Measures the peak memory of loads of DAY_COUNTS days (90, 365 and 1000 by default)."""
    with serving(records) as address:
        for count in day_counts or (90, 365, 1000):
            for way in ways:
                done = _loaded(way, address, count, records, ingestr)
                click.echo(
                    f"{count:>5} days x {records:,}, {way:10} {done.megabytes:>6.0f} MB {done.inside:>7.1f} s "
                    f"in-process {done.cpu:>7.1f} s CPU"
                )


@benchmarks.command()
@click.option("--days", "day_counts", default=(90, 365), multiple=True, show_default=True)
@click.option("--records", default=1000, show_default=True, help="records a day")
@click.option("--seconds", "latencies", default=(0.0, 0.05, 0.25), multiple=True, show_default=True)
@click.option("--way", "ways", multiple=True, default=("plain run", "backfill"), type=click.Choice(WAYS))
@INGESTR
def latency(
    day_counts: tuple[int, ...], records: int, latencies: tuple[float, ...], ways: tuple[str, ...], ingestr: Path
) -> None:
    """Measures first loads over slow APIs against the least time that four days at once can take."""
    for seconds in latencies:
        with serving(records, "--latency", str(seconds)) as address:
            for count in day_counts:
                least = count * seconds / 4
                for way in ways:
                    done = _loaded(way, address, count, records, ingestr)
                    ratio = f"{done.inside / least:.2f} of the network's {least:.1f} s" if least else ""
                    click.echo(f"{seconds:.2f} s a response, {count} days, {way:10} {done.inside:>6.1f} s {ratio}")


@benchmarks.command()
@click.option("--times", default=60, show_default=True)
def shaping(times: int) -> None:
    """Measures one page of 1,000 records, decoded and shaped, against msgspec's decoding to plain objects."""
    body = templates(1000)[0].replace(DAY_IN_TEMPLATE, FIRST_DAY.isoformat().encode())
    moment = dt.datetime.now(dt.timezone.utc)
    settings = Shaping(SAMPLE_ORGANIZATION_ID, pseudonymizer("keep"), ExtraColumns("__".join, {}, click.echo))

    def shaped() -> object:
        page = read_page(body)
        assert page
        day = FetchedDay(FIRST_DAY, (body,), page.record_count, None, moment, page.documented)
        return shape(day, settings)

    parts = {"untyped decoding": msgspec.json.Decoder().decode, "typed decoding": read_page, "all": lambda _: shaped()}
    found: dict[str, list[float]] = {name: [] for name in parts}
    gc.disable()  # it runs at moments that have nothing to do with the part that is measured
    for _ in range(times):
        for name, work in parts.items():
            began = time.thread_time()
            work(body)
            found[name].append(time.thread_time() - began)
    base = statistics.median(found["untyped decoding"])
    for name, seconds in found.items():
        middle = statistics.median(seconds)
        click.echo(f"{name:18}{middle * 1e3:>8.2f} ms CPU, {middle / base:.2f} of untyped decoding")


@benchmarks.command()
@click.option("--days", "count", default=200, show_default=True)
@click.option("--burst", default=20, show_default=True)
@click.option("--per-second", default=5.0, show_default=True)
@click.option("--hint", default="seconds", show_default=True, help="wait in a 429: seconds, date, nothing, stale")
@click.option("--shared", is_flag=True, help="another reader sends requests at half of the rate")
@click.option("--timeline/--no-timeline", default=True)
def limits(count: int, burst: int, per_second: float, hint: str, shared: bool, timeline: bool) -> None:
    """Measures a backfill under a rate limit against the least time that the limit allows."""
    with (
        serving(10, "--burst", str(burst), "--per-second", str(per_second), "--hint", hint) as address,
        tempfile.TemporaryDirectory() as work,
    ):
        command = contender("backfill", address, count, Path(work, "warehouse.duckdb"))
        with other_reader(address, 2 / per_second if shared else None) as other:
            run(command, Path(work))
        log = [
            (at, status) for at, status, who in json.load(urllib.request.urlopen(f"{address}/log")) if who != "other"
        ]
    if shared:
        click.echo(
            f"the other reader got {other.count(200)} of {len(other)} responses ({other.count(200) / len(other):.0%})"
        )
        per_second /= 2
    refused = [at for at, status in log if status == 429]
    least = (count + 1 - burst) / per_second
    span = log[-1][0] - log[0][0]
    click.echo(
        f"burst {burst}, {per_second:g} a second, 429 with {hint}: {len(log)} requests, {len(refused)} refused "
        f"({len(refused) / len(log):.1%}); {span:.1f} s from first to last, {least:.1f} s at least, "
        f"ratio {span / least:.3f}"
    )
    if timeline:
        step = span / 40
        for number in range(41):
            within = [status for at, status in log if number * step <= at - log[0][0] < (number + 1) * step]
            click.echo(f"{number * step:>6.1f} s  {'+' * within.count(200)}{'x' * within.count(429)}")


# Commands, and what each cannot do without.
COMMANDS = {
    "--help": "import click",
    "--version": "import click",
    "status": "import dlt, duckdb",
    "summary": "import dlt, duckdb",
    "report": "import dlt, duckdb",
    "load": "import dlt, duckdb, pyarrow, httpx",
}


@benchmarks.command()
@click.option("--days", "count", default=365, show_default=True)
@click.option("--records", default=100, show_default=True, help="records a day")
@click.option("--times", default=7, show_default=True)
def startup(count: int, records: int, times: int) -> None:
    """Compares commands on days that are loaded, as whole processes, with importing their libraries: CPU seconds."""
    with serving(records) as address, tempfile.TemporaryDirectory() as work:
        folder, program = Path(work), [sys.executable, "-m", "claude_code_pipelines"]
        variables = {"SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL": address, "ANTHROPIC_ADMIN_KEY": "key"}
        first = dt.datetime.now(dt.timezone.utc).date() - dt.timedelta(days=count)
        run([*program, "load", "--start", first.isoformat()], folder, **variables)
        for name, imports in COMMANDS.items():
            runs = [
                (run([sys.executable, "-c", imports], folder), run([*program, name], folder, **variables))
                for _ in range(times)
            ]
            ratio = _median(command.cpu / base.cpu for base, command in runs)
            base, command = (_median(pair[side].cpu for pair in runs) for side in (0, 1))
            click.echo(f"{name:10} {command:.2f} s, {imports}: {base:.2f} s, ratio {ratio:.2f} (medians of {times})")


@benchmarks.command()
def growth() -> None:
    """Measures time by records a day (1 to 50,000), and of a daily run by rows in the target (to 10 million)."""
    sizes = {1: 800, 100: 400, 1000: 90, 10_000: 9, 50_000: 2}
    for records, count in sizes.items():
        with serving(records) as address, tempfile.TemporaryDirectory() as work:
            command = contender("backfill", address, count, Path(work, "warehouse.duckdb"))
            done = run(command, Path(work))
        each = done.inside / (records * count) * 1e6
        click.echo(
            f"days of {records:>6,} records ({count} of them): {each:>10,.0f} microseconds per record, "
            f"{done.megabytes:.0f} MB"
        )
    empty: float | None = None
    for millions in (0, 1, 10):
        seconds, megabytes = _daily_run_on(millions)
        empty = empty or seconds
        click.echo(
            f"a daily run of 8 x 1,000 records on {millions} million rows: {seconds:.2f} s, "
            f"{seconds / empty:.2f} of the first, {megabytes:.0f} MB"
        )


def _daily_run_on(millions: int) -> tuple[float, float]:
    """Returns seconds and megabytes of a load of eight days into a target with millions of rows of other days."""
    with serving(1000) as address, tempfile.TemporaryDirectory() as work:
        folder, database = Path(work), Path(work, "warehouse.duckdb")
        command = contender("backfill", address, 8, database)
        run(command, folder)
        run([sys.executable, str(HERE / "filled.py"), str(database), str(millions)], folder)
        runs = [run(command, folder) for _ in range(3)]
    return statistics.median(each.inside for each in runs), max(each.megabytes for each in runs)


@benchmarks.command()
@click.option("--people", default=5000, show_default=True)
@click.option("--days", "count", default=400, show_default=True)
@click.option("--report-days", default=90, show_default=True)
def reading(people: int, count: int, report_days: int) -> None:
    """Measures the views, the summary and the report of many people."""
    program = [sys.executable, "-m", "claude_code_pipelines"]
    with tempfile.TemporaryDirectory() as work:
        folder, database = Path(work), Path(work, "claude_code_analytics.duckdb")
        run([sys.executable, str(HERE / "many_people.py"), str(database), str(people), str(count)], folder)
        click.echo(f"views: {run([*program, 'views'], folder).whole:.2f} s as a command")
        with duckdb.connect(str(database)) as connection:
            connection.execute("USE claude_code; SET threads = 2")
            views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
            for (view,) in views:
                began = time.perf_counter()
                connection.execute(f"CREATE OR REPLACE TEMP TABLE read AS SELECT * FROM {view}")
                seconds = time.perf_counter() - began
                ((rows,),) = connection.execute("SELECT count(*) FROM read").fetchall()
                click.echo(f"{view:34}{rows:>12,} rows {seconds:>8.2f} s")
        click.echo(f"summary: {run([*program, 'summary'], folder).whole:.2f} s as a command")
        last = dt.datetime.now(dt.timezone.utc).date() - dt.timedelta(days=1)
        first = last - dt.timedelta(days=report_days - 1)
        done = run([*program, "report", "--start", f"{first}", "--end", f"{last}"], folder)
        size = (folder / "claude-code-report.html").stat().st_size
        click.echo(f"report of {report_days} days: {done.whole:.2f} s as a command, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    benchmarks(prog_name="python benchmarks")
