"""What a person gets to read whose warehouse does not do its part, and that the next good load ends at the truth."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dlt.common.exceptions import MissingDependencyException
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from claude_code_analytics import ConfigurationError, DestinationError
from claude_code_pipelines.cli import commands
from claude_code_pipelines.errors import plain_errors, sentence
from places.duckdb_file import DuckDb
from places.postgres_server import Postgres
from story import FIRST, TODAY, Story, some_records
from truth import MODELS, USAGE

PASSWORD = "of-the-Loader-7"
WRONG_PASSWORD = "of-Nobody-8"
CREDENTIALS = "DESTINATION__POSTGRES__CREDENTIALS"
ONE_DAY = dt.timedelta(days=1)
on_postgres = pytest.mark.parametrize("place", ["postgres"], indirect=True)
on_duckdb = pytest.mark.parametrize("place", ["duckdb"], indirect=True)


@pytest.fixture
def server(place: Postgres) -> Iterator[Postgres]:
    """The server, which is up again when the test is over."""
    yield place
    place.start()


@pytest.fixture
def invited(story: Story, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user of the server who may sign in and nothing else; loads are theirs."""
    server.invite(story.dataset, PASSWORD)
    monkeypatch.setenv(CREDENTIALS, server.address(story.dataset, PASSWORD))
    return story.dataset


LOAD = ("load", "--start", f"{FIRST}", "--window-days", "3")
BACKFILL = ("backfill", "--start", f"{FIRST}", "--end", f"{TODAY}", "--window-days", "3")


def run(story: Story, *arguments: str) -> Result:
    """A command in this process; `load` unless another is given."""
    where = ("--destination", story.place.name, "--dataset", story.dataset, "--progress", "none")
    with story.job() as client:
        result = CliRunner().invoke(commands, [*(arguments or LOAD), *where], obj=client)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(story: Story, *arguments: str, code: int = 2) -> str:
    """What a command that must fail says: one line, without credentials."""
    result = run(story, *arguments)
    assert result.exit_code == code, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.output
    assert len(line) < 500
    for secret in (PASSWORD, WRONG_PASSWORD):
        assert secret not in result.output
    return line


def require_recovery(story: Story, *arguments: str) -> None:
    """The next time it ends at the truth."""
    result = run(story, *arguments)
    assert result.exit_code == 0, result.output
    story.require_truth()


ADDRESSES: dict[str, tuple[Callable[[Postgres, str], str | None], str, str]] = {
    "wrong password": (
        lambda server, user: server.address(user, WRONG_PASSWORD),
        "the warehouse could not be opened: .*password authentication failed",
        "check user, password or key in dlt's configuration",
    ),
    "no password": (
        lambda server, user: server.address(user, "").replace(":@", "@"),
        "PostgresClientConfiguration lacks credentials",
        f"set {CREDENTIALS} in the environment",
    ),
    "nothing": (lambda server, user: None, "lacks credentials", f"set {CREDENTIALS} in the environment"),
    "no address": (
        lambda server, user: f"it is {PASSWORD}",
        "credentials that PostgresCredentials cannot read",
        "form",
    ),
    "another database": (
        lambda server, user: server.address(user, PASSWORD, "elsewhere"),
        'could not be opened: .*"elsewhere" does not exist',
        "create it, or name another",
    ),
    "nobody there": (
        lambda server, user: f"postgresql://{user}:{PASSWORD}@127.0.0.1:1/postgres?connect_timeout=10",
        "could not be opened: .*Connection refused",
        "see that the warehouse runs and can be reached, then run the same command again",
    ),
}
"""Credentials that lead nowhere, what is said of them, and what to do."""


@on_postgres
@pytest.mark.parametrize("case", ADDRESSES)
def test_credentials_that_lead_nowhere_are_one_sentence(
    story: Story, server: Postgres, invited: str, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    story.write_days(FIRST, TODAY)
    address, said, to_do = ADDRESSES[case]
    wrong = address(server, invited)
    with monkeypatch.context() as patched:
        if wrong is None:
            patched.delenv(CREDENTIALS)
        else:
            patched.setenv(CREDENTIALS, wrong)
        line = refused(story)
    assert re.search(said, line), line
    assert to_do in line
    server.run(f"GRANT CREATE ON DATABASE postgres TO {invited}")
    require_recovery(story)


@on_postgres
def test_a_user_who_may_not_make_the_dataset_is_told_so(story: Story, server: Postgres, invited: str) -> None:
    story.write_days(FIRST, TODAY)
    line = refused(story)
    assert "could not be noted before it is written: permission denied for database postgres" in line
    assert "have the loader's user given that right (docs/destinations.md), then run the same command again" in line
    assert story.place.tables(story.dataset) == {}

    server.run(f"GRANT CREATE ON DATABASE postgres TO {invited}")
    require_recovery(story)


@on_postgres
def test_a_user_who_may_not_write_into_the_tables_is_told_so_at_each_step(
    story: Story, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    story.write_days(FIRST, TODAY)
    require_recovery(story)
    user, dataset = f"{story.dataset}_other", story.dataset
    server.invite(user, PASSWORD)
    monkeypatch.setenv(CREDENTIALS, server.address(user, PASSWORD))
    story.write(FIRST, *some_records(FIRST, 50)[1:])
    story.write(TODAY)
    for grant, step in (
        ("SELECT 1", f"the warehouse could not be opened: permission denied for schema {dataset}"),
        (f"GRANT USAGE ON SCHEMA {dataset} TO {user}", "could not be opened: permission denied for table _dlt_"),
        (
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {dataset} TO {user}",
            "the window could not be noted before it is written: permission denied for table _dlt_loads",
        ),
        (
            f"GRANT INSERT, UPDATE, DELETE ON {dataset}._dlt_loads TO {user}",
            "the window could not be written: permission denied for database postgres",
        ),
        (
            f"GRANT ALL ON SCHEMA {dataset}_staging TO {user};"
            f"GRANT ALL ON ALL TABLES IN SCHEMA {dataset}_staging TO {user};"
            f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {dataset} TO {user};"
            f"REVOKE INSERT ON {dataset}.{MODELS} FROM {user}",
            f"the destination took nothing for table {MODELS}: permission denied for table {MODELS}",
        ),
    ):
        server.run(grant)
        line = refused(story)
        assert step in line, line
        assert "have the loader's user given that right" in line
        assert "remove all tables" not in line

    server.run(f"GRANT INSERT ON {dataset}.{MODELS} TO {user}")
    require_recovery(story)


@pytest.mark.parametrize("place", ["duckdb", "postgres"], indirect=True)
def test_a_table_of_somebody_else_is_left_as_it_was(story: Story) -> None:
    """dlt would add its columns to it."""
    story.write_days(FIRST, TODAY)
    table = story.place.qualified(story.dataset, USAGE)
    story.place.run(f"CREATE SCHEMA {story.dataset}")
    story.place.run(f"CREATE TABLE {table} (id INTEGER, date TEXT)")
    for row in ((), (1, "a day")):
        if row:
            story.place.run(f"INSERT INTO {table} VALUES {row}")  # noqa: S608
        line = refused(story)
        assert f"dataset {story.dataset} has a table {USAGE} that no load made: it has no organization_id" in line
        assert "choose another --dataset, or give that table another name" in line
    assert story.place.run(f"SELECT * FROM {table}") == [(1, "a day")]  # noqa: S608

    story.place.rename(story.dataset, USAGE, "theirs")
    require_recovery(story)


@on_postgres
def test_a_server_that_goes_away_while_it_writes_costs_nothing(story: Story, server: Postgres) -> None:
    story.write_days(FIRST, TODAY)
    require_recovery(story)
    story.write_days(FIRST, TODAY, sessions=30)
    story.write(FIRST)
    # the very statement that fills the second window's models stops the server, with the days deleted and not committed
    dataset, third = story.dataset, FIRST + 3 * ONE_DAY
    server.run(
        f"CREATE FUNCTION {dataset}.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT EXISTS (SELECT FROM {dataset}.{MODELS} WHERE date = '{third}') THEN "
        f"COPY (SELECT 1) TO PROGRAM 'kill -QUIT {server.process}; sleep 60'; END IF; RETURN NULL; END $$;"
        f"CREATE TRIGGER stop BEFORE INSERT ON {dataset}.{MODELS} EXECUTE FUNCTION {dataset}.stop()"
    )
    line = refused(story, *BACKFILL, code=1)
    assert re.search("connection|closed", line), line
    assert "see that the warehouse runs and can be reached, then run the same command again" in line
    assert "remove all tables" not in line

    assert server.ended()
    server.start()
    server.run(f"DROP TRIGGER stop ON {dataset}.{MODELS}")
    assert story.status().interrupted == tuple(third + number * ONE_DAY for number in range(3))
    require_recovery(story, *BACKFILL)
    assert story.status().interrupted == ()


@pytest.fixture
def small_disk(server: Postgres, story: Story) -> Iterator[Path]:
    """A file system of a few megabytes that belongs to the server, where one can be mounted."""
    folder = server.make_folder(story.dataset)
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


@on_postgres
def test_a_full_disk_of_the_server_costs_nothing(
    story: Story, server: Postgres, invited: str, small_disk: Path
) -> None:
    space = server.make_folder(f"{small_disk.name}/space")
    server.run(f"CREATE TABLESPACE {invited} LOCATION '{space}'")
    server.run(
        f"GRANT CREATE ON DATABASE postgres TO {invited}; GRANT CREATE ON TABLESPACE {invited} TO {invited};"
        f"ALTER ROLE {invited} SET default_tablespace = {invited}"
    )
    story.write_days(FIRST, TODAY)
    require_recovery(story)
    story.write(FIRST, *some_records(FIRST, 60) * 200)
    usage = os.statvfs(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(usage.f_bavail * usage.f_frsize - 64_000))

    line = refused(story)
    assert re.search("No space left on device|could not extend file", line), line
    assert "make room there, then run the same command again" in line
    assert "remove all tables" not in line

    ballast.unlink()
    require_recovery(story)
    server.run(f"DROP SCHEMA {story.dataset} CASCADE; DROP SCHEMA {story.dataset}_staging CASCADE")
    server.run(f"DROP TABLESPACE {invited}")


@on_duckdb
@pytest.mark.parametrize("case", ["no folder", "no database"])
def test_a_file_that_cannot_be_a_database_is_one_sentence(
    story: Story, place: DuckDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    story.write_days(FIRST, TODAY)
    file = tmp_path / "folder" / "file.duckdb"
    if case == "no database":
        file.parent.mkdir()
        file.write_text("id,name\n" * 2000)
    with monkeypatch.context() as patched:
        patched.setenv("DESTINATION__DUCKDB__CREDENTIALS", f"duckdb:///{file}")
        line = refused(story)
    assert "the warehouse could not be opened: " in line
    assert str(file) in line
    require_recovery(story)


def test_a_dataset_in_another_location_is_told_to_be_there() -> None:
    """As BigQuery says it; the stand-in knows one location only."""
    said = "404 Not found: Dataset my-project:claude_code was not found in location EU; reason: notFound"
    with pytest.raises(DestinationError) as raised, plain_errors("the window could not be written"):
        raise DatabaseUndefinedRelation(RuntimeError(said))
    assert str(raised.value).startswith("the window could not be written: 404")
    assert "; set `location` in [destination.bigquery] to the place of the dataset" in str(raised.value)


def test_an_import_that_failed_on_the_way_is_not_what_the_user_is_told() -> None:
    def without_pandas() -> None:
        try:
            raise ModuleNotFoundError("No module named 'pandas'")
        except ImportError:
            raise DatabaseUndefinedRelation(RuntimeError("gone away"))  # noqa: B904  # as dlt does here and there

    step = "the window could not be written"
    with pytest.raises(DestinationError, match=f"^{step}: gone away$"), plain_errors(step):
        without_pandas()


@pytest.mark.parametrize(
    "said",
    [
        'could not translate host name "w0rdX@127.0.0.1" to address',
        "cannot open postgresql://loader:Pa/ss@w0rdX@127.0.0.1:5432/a",
        "cannot open postgresql://loader:w0rdX@127.0.0.1/a",
    ],
)
def test_no_part_of_a_password_is_told(said: str) -> None:
    assert "w0rdX" not in sentence(ValueError(said))
    assert "127.0.0.1" in sentence(ValueError(said))


def test_a_driver_that_is_broken_is_a_mistake() -> None:
    with (
        pytest.raises(ConfigurationError, match=r"the destination's driver cannot be used: libpq\.so\.5"),
        plain_errors(),
    ):
        raise ImportError("libpq.so.5: cannot open shared object file")


def test_a_driver_that_is_missing_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match=r"dlt\[clickhouse\]"), plain_errors():
        raise MissingDependencyException("dlt.destinations.clickhouse", ["dlt[clickhouse]"])
