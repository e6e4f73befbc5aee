"""Warehouses that fail: one line with the fix for each, and the next good load ends at the truth."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from claude_code_pipelines.cli import commands
from destinations.scenario import require_truth, some_records, write_days
from support.backends.postgres_server import Postgres, PostgresServer
from support.world import FIRST_DAY, MODELS, TABLES, TODAY, TOOLS, USAGE, World

PASSWORD = "of-the-Loader-7"
WRONG_PASSWORD = "of-Nobody-8"
CREDENTIALS = "DESTINATION__POSTGRES__CREDENTIALS"
ONE_DAY = dt.timedelta(days=1)
on_postgres = pytest.mark.parametrize("backend", ["postgres"], indirect=True)


@pytest.fixture(autouse=True)
def few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """dlt retries five times otherwise, with a second in between."""
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")


@pytest.fixture
def server(backend: Postgres) -> Iterator[PostgresServer]:
    """The server, which runs again when the test is over."""
    yield backend.server
    backend.server.start()


@pytest.fixture
def loader(world: World, server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A user of the server who may log in and nothing else; loads run as this user."""
    server.invite(world.dataset, PASSWORD)
    monkeypatch.setenv(CREDENTIALS, server.address(world.dataset, PASSWORD))
    return world.dataset


LOAD = ("load", "--start", f"{FIRST_DAY}", "--window-days", "3")
BACKFILL = ("backfill", "--start", f"{FIRST_DAY}", "--end", f"{TODAY}", "--window-days", "3")


def run(world: World, *arguments: str) -> Result:
    """Runs a command in this process; `load` unless another is given."""
    where = ("--destination", world.backend.name, "--dataset", world.dataset)
    progress = ("--progress", "none") if (arguments or LOAD)[0] in ("load", "backfill") else ()
    with world.client() as client:
        result = CliRunner().invoke(commands, [*(arguments or LOAD), *where, *progress], obj=client)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refused(world: World, *arguments: str, code: int = 2) -> str:
    """Runs a command that must fail, and returns its one line, which holds no credential."""
    result = run(world, *arguments)
    assert result.exit_code == code, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.output
    assert len(line) < 500
    for secret in (PASSWORD, WRONG_PASSWORD):
        assert secret not in result.output
    return line


def require_recovery(world: World, *arguments: str) -> None:
    """Runs a command, which must succeed and end at the truth."""
    result = run(world, *arguments)
    assert result.exit_code == 0, result.output
    require_truth(world)


# Wrong credentials, the message, and the fix.
ADDRESSES: dict[str, tuple[Callable[[PostgresServer, str], str | None], str, str]] = {
    "wrong password": (
        lambda server, user: server.address(user, WRONG_PASSWORD),
        "the warehouse could not be opened: .*password authentication failed",
        "check user, password or key in dlt's configuration",
    ),
    "no password": (
        lambda server, user: server.address(user, "").replace(":@", "@"),
        "destination postgres lacks password",
        f"set {CREDENTIALS}__PASSWORD in the environment",
    ),
    "nothing": (lambda server, user: None, "lacks credentials", f"set {CREDENTIALS} in the environment"),
    "another kind": (
        lambda server, user: f"mysql://{user}:{PASSWORD}@127.0.0.1/warehouse",
        "the warehouse's address is not one that Postgres accepts",
        "write postgresql://user:password@host:5432/database",
    ),
    "no address": (lambda server, user: f"it is {PASSWORD}", "PostgresCredentials cannot read", "form"),
    "another database": (
        lambda server, user: server.address(user, PASSWORD, "elsewhere"),
        'could not be opened: .*"elsewhere" does not exist',
        "create it, or name another",
    ),
    "no server": (
        lambda server, user: f"postgresql://{user}:{PASSWORD}@127.0.0.1:1/postgres?connect_timeout=10",
        "could not be opened: .*Connection refused",
        "check that the warehouse runs and can be reached, then run the same command again",
    ),
}


@pytest.mark.smoke
@on_postgres
def test_wrong_credentials_are_one_line_with_the_fix(
    world: World, server: PostgresServer, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(world, FIRST_DAY, TODAY)
    for case, (address, message, fix) in ADDRESSES.items():
        wrong = address(server, loader)
        with monkeypatch.context() as patched:
            if wrong is None:
                patched.delenv(CREDENTIALS)
            else:
                patched.setenv(CREDENTIALS, wrong)
            line = refused(world, code=1 if case == "no server" else 2)
        assert re.search(message, line), (case, line)
        assert fix in line, (case, line)
    server.run(f"GRANT CREATE ON DATABASE postgres TO {loader}")
    require_recovery(world)


@on_postgres
def test_a_missing_right_is_named_at_each_step(
    world: World, server: PostgresServer, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(world, FIRST_DAY, TODAY)
    assert "the window could not be written: permission denied for database postgres" in refused(world, code=1)
    assert world.backend.tables(world.dataset) == {}

    monkeypatch.setenv(CREDENTIALS, world.backend.address)
    require_recovery(world)
    monkeypatch.setenv(CREDENTIALS, server.address(loader, PASSWORD))
    dataset = world.dataset
    world.write(FIRST_DAY, *some_records(FIRST_DAY, 50)[1:])
    world.write(TODAY)
    for grant, step in (
        ("SELECT 1", f"the warehouse could not be opened: permission denied for schema {dataset}"),
        (f"GRANT USAGE ON SCHEMA {dataset} TO {loader}", "could not be opened: permission denied for table _dlt_"),
        (
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {dataset} TO {loader}",
            f"the window could not be written: permission denied for (database postgres|schema {dataset}_staging)",
        ),
        (
            f"GRANT ALL ON SCHEMA {dataset}_staging TO {loader};"
            f"GRANT ALL ON ALL TABLES IN SCHEMA {dataset}_staging TO {loader};"
            f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {dataset} TO {loader};"
            f"REVOKE INSERT ON {dataset}.{MODELS} FROM {loader}",
            f"loading table {MODELS} failed: permission denied for table {MODELS}",
        ),
    ):
        server.run(grant)
        line = refused(world, code=1)
        assert re.search(step, line), line
        assert "grant this user that right (docs/destinations.md#rights), then run the same command again" in line
        assert "drop all tables" not in line

    server.run(f"GRANT INSERT ON {dataset}.{MODELS} TO {loader}")
    require_recovery(world)


@on_postgres
def test_a_reader_needs_the_rights_that_the_docs_list_and_is_told_the_missing_one(
    world: World, server: PostgresServer, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(world, FIRST_DAY, TODAY)
    monkeypatch.setenv(CREDENTIALS, world.backend.address)
    require_recovery(world)
    monkeypatch.setenv(CREDENTIALS, server.address(loader, PASSWORD))
    server.run(f"GRANT USAGE ON SCHEMA {world.dataset} TO {loader}")
    for table in TABLES:
        server.run(f"GRANT SELECT ON {world.dataset}.{table} TO {loader}")
    line = refused(world, "status", code=1)
    assert "permission denied for table _dlt_pipeline_state; grant this user that right" in line
    server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {world.dataset} TO {loader}")
    for command in ("status", "summary"):
        assert run(world, command).exit_code == 0
    assert "permission denied for schema" in refused(world, "views")
    server.run(f"REVOKE SELECT ON {world.dataset}.{TOOLS} FROM {loader}")  # Postgres no longer lists it
    line = refused(world, "status", code=1)
    assert f"permission denied for table {TOOLS}; grant this user that right" in line


@pytest.mark.parametrize("backend", ["duckdb", "postgres"], indirect=True)
def test_a_table_of_somebody_else_is_left_alone(world: World) -> None:
    """dlt would add its columns to it."""
    write_days(world, FIRST_DAY, TODAY)
    table = world.backend.qualified(world.dataset, USAGE)
    world.backend.run(f"CREATE SCHEMA {world.dataset}")
    world.backend.run(f"CREATE TABLE {table} (id INTEGER, date TEXT)")
    world.backend.run(f"INSERT INTO {table} VALUES (1, 'a day')")
    line = refused(world)
    assert f"{USAGE}.organization_id is missing" in line
    assert "load into another dataset" in line
    assert world.backend.run(f"SELECT * FROM {table}") == [(1, "a day")]

    world.backend.rename(world.dataset, USAGE, "theirs")
    require_recovery(world)


@on_postgres
def test_a_server_that_stops_while_it_writes_costs_nothing(world: World, server: PostgresServer) -> None:
    write_days(world, FIRST_DAY, TODAY)
    require_recovery(world)
    write_days(world, FIRST_DAY, TODAY, sessions=30)
    world.write(FIRST_DAY)
    # the statement that inserts the second window's models stops the server, with the days deleted and not committed
    dataset, third = world.dataset, FIRST_DAY + 3 * ONE_DAY
    server.run(
        f"CREATE FUNCTION {dataset}.stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT EXISTS (SELECT FROM {dataset}.{MODELS} WHERE date = '{third}') THEN "
        f"COPY (SELECT 1) TO PROGRAM 'kill -QUIT {server.process}; sleep 60'; END IF; RETURN NULL; END $$;"
        f"CREATE TRIGGER stop BEFORE INSERT ON {dataset}.{MODELS} EXECUTE FUNCTION {dataset}.stop()"
    )
    line = refused(world, *BACKFILL, code=1)
    assert re.search("connection|closed", line), line
    assert "check that the warehouse runs and can be reached, then run the same command again" in line
    assert "drop all tables" not in line

    assert server.has_ended()
    server.start()
    server.run(f"DROP TRIGGER stop ON {dataset}.{MODELS}")
    assert set(world.status().days("inconsistent")) <= {third + number * ONE_DAY for number in range(3)}
    require_recovery(world, *BACKFILL)
    assert not world.status().has_gap


# What keeps a loader with every right from replacing rows of a table: how it is set up, and the message.
SECURITY = "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON {table} FOR INSERT WITH CHECK (true);"
HIDDEN = f'row-level security policy for table "{TOOLS}"; it must not apply to this user: load as'
KEEPERS = {
    "no rows may be deleted": (SECURITY + "CREATE POLICY two ON {table} FOR SELECT USING (true)", HIDDEN),
    "rows are hidden": (SECURITY, HIDDEN),
    "a trigger": (
        "CREATE FUNCTION {dataset}.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER keep BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {dataset}.keep()",
        f"loading table {TOOLS} failed: a trigger or a rule keeps rows of {FIRST_DAY} from being deleted; drop it",
    ),
    "a rule": (
        "CREATE RULE keep AS ON DELETE TO {table} DO INSTEAD NOTHING",
        f"loading table {TOOLS} failed: a trigger or a rule keeps rows of {FIRST_DAY} from being deleted; drop it",
    ),
}


@on_postgres
@pytest.mark.parametrize("keeper", KEEPERS)
def test_rows_that_a_loader_cannot_delete_are_not_doubled(
    world: World, server: PostgresServer, loader: str, monkeypatch: pytest.MonkeyPatch, keeper: str
) -> None:
    write_days(world, FIRST_DAY, TODAY)
    with monkeypatch.context() as patched:
        patched.setenv(CREDENTIALS, world.backend.address)
        require_recovery(world)
    dataset, table = world.dataset, world.backend.qualified(world.dataset, TOOLS)
    for schema in (dataset, f"{dataset}_staging"):
        server.run(f"GRANT ALL ON SCHEMA {schema} TO {loader}; GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {loader}")
    set_up, message = KEEPERS[keeper]
    before = world.backend.tables(dataset)[TOOLS]
    server.run(set_up.format(table=table, dataset=dataset))

    line = refused(world, *BACKFILL, code=1)
    assert message in line
    assert "CONTEXT" not in line
    assert sorted(map(str, world.backend.tables(dataset)[TOOLS])) == sorted(map(str, before))


@on_postgres
def test_a_load_that_dlt_may_not_record_is_incomplete(world: World, server: PostgresServer, loader: str) -> None:
    write_days(world, FIRST_DAY, TODAY)
    server.run(f"GRANT CREATE ON DATABASE postgres TO {loader}")
    require_recovery(world)
    loads = world.backend.qualified(world.dataset, "_dlt_loads")
    server.run(f"ALTER TABLE {loads} OWNER TO postgres; GRANT SELECT ON {loads} TO {loader}")
    line = refused(world, *BACKFILL, code=1)
    assert "permission denied for table _dlt_loads; grant this user that right" in line
    server.run(f"GRANT INSERT ON {loads} TO {loader}")
    require_recovery(world, *BACKFILL)
