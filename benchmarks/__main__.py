"""Benchmarks of the project: `python benchmarks` lists them, and each prints its measurements.

Only ratios within one run are comparable: times depend on the machine and its load. Rows are compared before any time
counts.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click
import duckdb

from measuring import HERE, Run, contender, contents, other_reader, python_with_ingestr, run, serving
from pages import FIRST_DAY, days

INGESTR_ENVIRONMENT = Path("~/.cache/dlt-claude-code-analytics/ingestr")


@click.group()
def benchmarks() -> None:
    """Measures this project against others, and against its targets."""


@benchmarks.command()
@click.option("--days", "count", default=90, show_default=True)
@click.option("--records", default=1000, show_default=True, help="records a day")
@click.option("--times", default=3, show_default=True, help="runs of each contender; the median counts")
@click.option("--without", multiple=True, help="contenders to leave out")
@click.option(
    "--ingestr", type=Path, default=Path("~/.cache/dlt-claude-code-analytics-benchmarks/ingestr"), show_default=True
)
def compare(count: int, records: int, times: int, without: tuple[str, ...], ingestr: Path) -> None:
    """Compares this project, plain dlt, ingestr and the floor on the same pages."""
    names = [name for name in ("floor", "ours", "dlt, Parquet", "dlt", "ingestr") if name not in without]
    runs: dict[str, list[Run]] = {name: [] for name in names}
    expected: Any = None
    with serving(records) as address:
        for turn in range(times):
            for name in names:
                if name == "dlt" and turn:
                    continue  # minutes, and always the last
                with tempfile.TemporaryDirectory() as work:
                    folder, database = Path(work), Path(work, "warehouse.duckdb")
                    if name == "ingestr":
                        command = [
                            str(python_with_ingestr(ingestr.expanduser())),
                            str(HERE / "ingestr_way.py"),
                            address,
                        ]
                        command += [FIRST_DAY.isoformat(), days(count + 1)[-1].isoformat(), str(database)]
                    else:
                        command = [
                            sys.executable,
                            str(HERE / "contenders.py"),
                            name,
                            address,
                            str(count),
                            str(database),
                        ]
                    done = run(command, folder)
                    found = contents(database)
                if name == "ingestr":
                    same = found["usage"][0] if "usage" in found else 0
                    if "usage" not in found or same != count * records:
                        raise click.ClickException(f"ingestr has {found}")
                elif expected is None:
                    expected = found
                elif found != expected:
                    raise click.ClickException(f"{name} has {found}, the others {expected}")
                runs[name].append(done)
                click.echo(f"{name}: {done.whole:.1f} s, {done.inside:.1f} s in-process", err=True)
    rows = sum(int(table[0]) for table in expected.values())
    ours, base = _median(runs["ours"]), _median(runs["floor"]) if "floor" in runs else None
    click.echo(f"{count} days x {records:,} records, {rows:,} rows, median of {times} (plain dlt: one run)")
    titles = ("whole s", "in-process s", "records/s", "peak MB", "whole / ours", "inside / floor")
    click.echo(f"{'':14}" + "".join(f"{title:>15}" for title in titles))
    for name in names:
        found = _median(runs[name])
        figures = (
            f"{found.whole:.2f}",
            f"{found.inside:.2f}",
            f"{count * records / found.inside:,.0f}",
            f"{found.megabytes:.0f}",
            f"{found.whole / ours.whole:.2f}",
            f"{found.inside / base.inside:.2f}" if base else "",
        )
        click.echo(f"{name:14}" + "".join(f"{figure:>15}" for figure in figures))


def _median(runs: list[Run]) -> Run:
    return Run(
        statistics.median(each.whole for each in runs),
        statistics.median(each.inside for each in runs),
        max(each.megabytes for each in runs),
        "",
    )


@benchmarks.command()
@click.option("--records", default=1000, show_default=True, help="records a day")
@click.argument("day_counts", nargs=-1, type=int)
def memory(records: int, day_counts: tuple[int, ...]) -> None:
    """Measures the peak memory of backfills of DAY_COUNTS days (1000 and 4000 by default)."""
    with serving(records) as address:
        for count in day_counts or (1000, 4000):
            with tempfile.TemporaryDirectory() as work:
                database = Path(work, "warehouse.duckdb")
                done = run(contender("ours", address, count, database), Path(work))
                found = contents(database)
            click.echo(
                f"{found['usage'][0]:>10,} records  {done.megabytes:>6.0f} MB  {done.inside:>7.1f} s  "
                f"{found['usage'][0] / done.inside:>8,.0f} records/s"
            )


@benchmarks.command()
@click.option("--days", "count", default=365, show_default=True)
@click.option("--latency", default=0.25, show_default=True, help="seconds per response")
def latency(count: int, latency: float) -> None:
    """Measures a backfill over a slow API against the least time that four days at once can take."""
    with serving(10, "--latency", str(latency)) as address, tempfile.TemporaryDirectory() as work:
        command = contender("ours", address, count, Path(work, "warehouse.duckdb"))
        done = run(command, Path(work))
    least = count * latency / 4
    click.echo(
        f"{count} days of {latency} s: {done.inside:.1f} s in-process, {done.whole:.1f} s whole; {least:.1f} s "
        f"at least, ratio {done.inside / least:.3f} ({done.whole / least:.3f} whole)"
    )


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
        command = contender("ours", address, count, Path(work, "warehouse.duckdb"))
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


@benchmarks.command()
@click.option("--times", default=7, show_default=True)
def startup(times: int) -> None:
    """Compares a daily run of eight days of 100 records, as a whole process, with importing its libraries."""
    imports, runs = [], []
    with serving(100) as address, tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        variables = {"SOURCES__CLAUDE_CODE_ANALYTICS__BASE_URL": address, "ANTHROPIC_ADMIN_KEY": "key"}
        command = [sys.executable, "-m", "claude_code_pipelines", "load"]
        run([*command, "--start", (FIRST_DAY.replace(year=2026)).isoformat()], folder, **variables)
        for _ in range(times):
            imports.append(run([sys.executable, "-c", "import dlt, duckdb, pyarrow, httpx"], folder).whole)
            runs.append(run(command, folder, **variables).whole)
    base, ours = statistics.median(imports), statistics.median(runs)
    click.echo(f"imports {base:.2f} s, a daily run {ours:.2f} s, ratio {ours / base:.2f} (medians of {times})")


@benchmarks.command()
def growth() -> None:
    """Measures time by records a day (1 to 50,000), and of a daily run by rows in the target (to 10 million)."""
    sizes = {1: 800, 100: 400, 1000: 90, 10_000: 9, 50_000: 2}
    for records, count in sizes.items():
        with serving(records) as address, tempfile.TemporaryDirectory() as work:
            command = contender("ours", address, count, Path(work, "warehouse.duckdb"))
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
        command = contender("ours", address, 8, database)
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
