"""The program is killed, starved of disk, locked out and run twice at once.

Afterwards it is run again until it is done, and the warehouse holds what the API said, to the last value.
"""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from processes import PATIENCE, Site, ended, told_in_one_line
from truth import in_file

LONG_RUN = int(os.environ.get("CRASH_TEST_KILLS", "100"))
"""Kills in the slow suite."""

MOMENTS = {
    "reading": "normalize/extracted/*/new_jobs/*",
    "read": "normalize/extracted/*/load_package_state.json",
    "normalizing": "load/new/*/new_jobs/*",
    "normalized": "load/normalized/*",
    "waiting to be loaded": "load/normalized/*/new_jobs/*",
    "loading": "load/normalized/*/started_jobs/*",
    "merging": "load/normalized/*/started_jobs/*.sql",
    "loaded in part": "load/normalized/*/completed_jobs/*",
    "state written": "load/normalized/*/completed_jobs/_dlt_pipeline_state*",
    "loaded": "load/loaded/*",
    "in the warehouse": "../../../*.duckdb.wal",
}
"""States of dlt's working folder by what they mean."""


def files(site: Site, moment: str) -> set[Path]:
    """What is there in this state of the program's work; nothing, where a folder goes away while it is looked into."""
    try:
        return set(site.working_dir.glob(MOMENTS[moment]))
    except FileNotFoundError:
        return set()


def kill(site: Site, rng: random.Random, *arguments: str) -> str:
    """Kills the program at a random moment: in some state of its work, or some time after its first question.

    Returns:
        When it was; "never" where the program was done before.
    """
    moment = rng.choice([*MOMENTS, "any", "any", "any", "any"])
    later = rng.uniform(0, 1.5) if moment == "any" else rng.choice([0, 0, rng.uniform(0, 0.1)])
    turn = rng.choice([1, 1, 2, 3])
    asked = len(site.api.requests)
    seen = set() if moment == "any" else files(site, moment)
    process = site.start(*arguments)
    try:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None:
            assert time.monotonic() < deadline, f"{moment} did not come"
            if moment == "any":
                turn = 0 if len(site.api.requests) > asked else turn
            elif found := files(site, moment) - seen:
                seen |= found
                turn -= 1
            if not turn:
                break
            time.sleep(0.0005)
        process.wait(later)
    except subprocess.TimeoutExpired:
        process.kill()
    out, err = ended(process)
    if process.returncode == 0:
        return "never"
    assert process.returncode == -9, (out, err)
    return moment


def survive(site: Site, rng: random.Random, kills: int) -> Counter[str]:
    """Kills the program so many times, restates days in between, and has it finish now and then."""
    load = ("load", "--start", f"{site.day(20)}", "--window-days", "8")
    backfill = ("backfill", "--start", f"{site.day(60)}", "--end", f"{site.day(45)}", "--window-days", "7")
    when: Counter[str] = Counter()
    while when.total() - when["never"] < kills:
        command = rng.choice([load, load, backfill])
        when[kill(site, rng, *command)] += 1
        for _ in range(rng.randint(0, 4)):
            site.restate(site.day(rng.randint(0, 60)))
        if when.total() % 12 == 0:
            site.require_done(*command)
    for command in (load, backfill):
        site.require_done(*command)
    site.require_cursor(site.day(20))
    ledger = in_file(site.database).ledger
    assert {site.day(number) for number in range(45, 61)} <= set(ledger)
    return when


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_kills_lose_nothing_and_double_nothing(
    seed: int, tmp_path: Path, site_at: Callable[..., Site], record_property: Callable[[str, object], None]
) -> None:
    when = survive(site_at(tmp_path, seed, latency=0.02), random.Random(seed), kills=5)  # noqa: S311
    record_property("kills", dict(when))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + max(1, LONG_RUN // 25)))
def test_a_hundred_kills_lose_nothing_and_double_nothing(
    seed: int, tmp_path: Path, site_at: Callable[..., Site], record_property: Callable[[str, object], None]
) -> None:
    when = survive(site_at(tmp_path, seed, latency=0.02), random.Random(seed), kills=25)  # noqa: S311
    record_property("kills", dict(when))
    print(f"\nseed {seed}: {dict(when)}")  # noqa: T201


def load_command(site: Site, days: int = 12) -> tuple[str, ...]:
    return "load", "--start", f"{site.day(days)}", "--window-days", "4"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where one can be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)  # noqa: S603
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        os.chdir(tmp_path)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607


@pytest.mark.parametrize(
    "left",
    [
        60_000,
        pytest.param(20_000, marks=pytest.mark.slow),
        pytest.param(600_000, marks=pytest.mark.slow),
        pytest.param(1_100_000, marks=pytest.mark.slow),
        pytest.param(2_000_000, marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_one_line_and_costs_nothing(left: int, small_disk: Path, site_at: Callable[..., Site]) -> None:
    site = site_at(small_disk)
    site.require_done("backfill", "--start", f"{site.day(30)}", "--end", f"{site.day(28)}")
    ballast = small_disk / "ballast"
    usage = os.statvfs(small_disk)
    with ballast.open("wb") as file:
        file.write(bytes(max(0, usage.f_bavail * usage.f_frsize - left)))
    code, _, err = site.run(*load_command(site))
    if code:
        told_in_one_line(code, err)
        assert code == (1 if "committed:" in err else 2), err
    ballast.unlink()
    site.require_done(*load_command(site))
    site.require_cursor(site.day(12))


@pytest.mark.slow
@pytest.mark.parametrize("most", [3_000, 900_000])
def test_files_that_may_not_grow_are_one_line_and_cost_nothing(
    most: int, tmp_path: Path, site_at: Callable[..., Site]
) -> None:
    site = site_at(tmp_path)
    site.require_done("backfill", "--start", f"{site.day(30)}", "--end", f"{site.day(28)}")
    limit = (most, resource.RLIM_INFINITY)
    code, _, err = site.run(*load_command(site), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    if code:
        told_in_one_line(code, err)
        assert code == (1 if "committed:" in err else 2), err
    site.require_done(*load_command(site))
    site.require_cursor(site.day(12))


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_holds_is_one_line(tmp_path: Path, site_at: Callable[..., Site]) -> None:
    site = site_at(tmp_path)
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLD, str(site.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        code, _, err = site.run(*load_command(site))
        assert code == 2
        line = told_in_one_line(code, err)
        assert str(holder.pid) in line, line
        holder.communicate("")
    site.require_done(*load_command(site))
    site.require_cursor(site.day(12))


@pytest.mark.slow
def test_a_file_that_is_taken_between_two_windows_costs_nothing(tmp_path: Path, site_at: Callable[..., Site]) -> None:
    site = site_at(tmp_path, latency=0.05)
    process = site.start(*load_command(site))
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("committed"):
            break
    connection = None
    deadline = time.monotonic() + PATIENCE
    while connection is None:
        assert time.monotonic() < deadline
        try:
            connection = duckdb.connect(str(site.database))
        except duckdb.IOException:
            time.sleep(0.001)
    with connection:
        out, err = ended(process)
    assert process.returncode in (0, 1), (out, err)  # 0 where the file was free only after the last window
    if process.returncode:
        told_in_one_line(process.returncode, err)
    site.require_done(*load_command(site))
    site.require_cursor(site.day(12))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("one", "one"), id="one pipeline", marks=pytest.mark.slow),
        pytest.param(("one", "two"), id="two pipelines"),
    ],
)
def test_two_loads_at_once_end_at_the_truth(
    names: tuple[str, str], tmp_path: Path, site_at: Callable[..., Site]
) -> None:
    site = site_at(tmp_path, latency=0.05)
    processes = [site.start(*load_command(site, 5), "--pipeline", name) for name in names]
    for process in processes:
        out, err = ended(process)
        assert process.returncode in (0, 1, 2), (out, err)
        if process.returncode:
            told_in_one_line(process.returncode, err)
    for name in dict.fromkeys(names):
        code, out, err = site.run(*load_command(site, 5), "--pipeline", name)
        assert code == 0, (out, err)
    contents = site.require_promises()
    assert {site.day(number) for number in range(6)} == set(contents.ledger)
