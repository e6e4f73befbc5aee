"""Views on Postgres: who reads them is not disturbed, who owns them is named, and what is built upon them stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dlt.pipeline.exceptions import PipelineStepFailed

from claude_code_analytics import ConfigurationError
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics.catalog import VIEWS
from claude_code_pipelines.metrics.views import create_views
from destinations.scenario import require_truth, write_days
from support.imports import ROOT
from support.world import TODAY, World

pytestmark = pytest.mark.parametrize("backend", ["postgres"], indirect=True)
NAMES = [view.name for view in VIEWS]
OLD = "by an older version [claude-code-analytics 000000000000]"
LOAD = ("load", "--start", str(TODAY), "--views", "--progress", "none")


@pytest.fixture
def viewed(world: World) -> World:
    """A day with its views."""
    write_days(world, TODAY, TODAY)
    world.load(start=TODAY)
    assert create_views(world.pipeline) == NAMES
    return world


def named(world: World, name: str) -> str:
    return str(world.backend.qualified(world.dataset, f"claude_code_{name}"))


def outdate(world: World, *names: str) -> None:
    """Marks views as those of an older version."""
    for name in names:
        world.backend.run(f"COMMENT ON VIEW {named(world, name)} IS '{OLD}'")


def run(world: World, *arguments: str) -> Result:
    """Runs a command in this process."""
    where = ("--destination", "postgres", "--dataset", world.dataset)
    with world.client() as client:
        result = CliRunner().invoke(commands, [*arguments, *where], obj=client)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@contextmanager
def readers(world: World, *names: str) -> Iterator[ExitStack]:
    """Reads each view in a session of its own that stays idle in its transaction."""
    with ExitStack() as sessions:
        for name in names:
            connection = sessions.enter_context(closing(world.backend.connect()))
            connection.cursor().execute(f"SELECT COUNT(*) FROM {named(world, name)}")
        yield sessions


@contextmanager
def no_definitions(world: World) -> Iterator[None]:
    """Has the server reject every statement that defines or comments anything."""
    world.backend.run(
        "CREATE FUNCTION pg_temp_reject() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not expected: %', tg_tag; END $$; "
        "CREATE EVENT TRIGGER no_definitions ON ddl_command_start EXECUTE FUNCTION pg_temp_reject()"
    )
    try:
        yield
    finally:
        world.backend.run("DROP EVENT TRIGGER no_definitions; DROP FUNCTION pg_temp_reject")


@pytest.mark.smoke
def test_nothing_is_changed_where_nothing_changed_and_readers_do_not_matter(viewed: World) -> None:
    with readers(viewed, *(name.removeprefix("claude_code_") for name in NAMES)), no_definitions(viewed):
        assert create_views(viewed.pipeline) == []
        for arguments in (("views",), LOAD):
            result = run(viewed, *arguments)
            assert result.exit_code == 0, result.output
            assert "14 views are up to date" in result.output


def test_one_look_is_the_only_statement(viewed: World) -> None:
    executed: list[str] = []
    open_client = viewed.pipeline.sql_client

    @contextmanager
    def recorded(*arguments: Any) -> Iterator[Any]:
        with open_client(*arguments) as client:
            execute = client.execute_sql
            client.execute_sql = lambda sql, *values, **named: executed.append(sql) or execute(sql, *values, **named)
            yield client

    viewed.pipeline.sql_client = recorded  # type: ignore[method-assign]
    create_views(viewed.pipeline)
    assert len(executed) == 1


def test_a_locked_view_waits_for_its_reader_and_holds_up_no_other(viewed: World) -> None:
    outdate(viewed, "costs", "mix_days")
    with readers(viewed, "mix_days") as sessions:
        assert create_views(viewed.pipeline, sleep=lambda _: sessions.close()) == [
            "claude_code_mix_days",
            "claude_code_costs",
        ]
    outdate(viewed, "costs", "mix_days")
    with readers(viewed, "mix_days"):
        with pytest.raises(ConfigurationError, match=r"mix_days is locked by session \d+ of postgres, idle in transac"):
            create_views(viewed.pipeline, sleep=lambda _: None)
        assert run(viewed, "views").exit_code == 2
    assert create_views(viewed.pipeline) == ["claude_code_mix_days"]


def test_a_view_that_fails_does_not_make_the_load_look_incomplete(
    viewed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdate(viewed, "records")
    backend: Any = viewed.backend
    backend.server.invite(viewed.dataset, "a password")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", backend.server.address(viewed.dataset, "a password"))
    for schema in (viewed.dataset, f"{viewed.dataset}_staging"):
        backend.run(f"GRANT ALL ON SCHEMA {schema} TO {viewed.dataset}")
        backend.run(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {viewed.dataset}")

    loaded, views = run(viewed, *LOAD), run(viewed, "views")

    assert (loaded.exit_code, views.exit_code) == (1, 2)
    for result in (loaded, views):
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
        assert (
            "view claude_code_records could not be replaced: must be owner of view claude_code_records; only its "
            in line
        )
        assert line.endswith("let the owner run the same command, or make this user the owner")
    assert "error: the days are committed, but the views are not up to date: view claude_code_records" in loaded.stderr
    assert "run the same command again to go on" not in loaded.output
    require_truth(viewed)


def test_views_with_other_columns_are_made_anew_unless_others_read_them(viewed: World) -> None:
    every = ", ".join(f"{viewed.dataset}.{name}" for name in NAMES)
    dashboard = viewed.backend.qualified(viewed.dataset, "dashboard")
    records, days = named(viewed, "records"), named(viewed, "actor_days")
    viewed.backend.run(
        f"DROP VIEW {every}; CREATE VIEW {records} AS SELECT 1 AS other, 2 AS more; CREATE VIEW {days} AS SELECT other "
        f"FROM {records}; CREATE VIEW {dashboard} AS SELECT * FROM {days}"
    )
    outdate(viewed, "records", "actor_days")

    with pytest.raises(
        ConfigurationError, match="records gets other columns, and others read it; run `DROP VIEW"
    ) as caught:
        create_views(viewed.pipeline)
    (drop,) = [part for part in str(caught.value).split("`") if part.startswith("DROP")]
    assert viewed.backend.run(f"SELECT * FROM {dashboard}") == [(1,)]
    viewed.backend.run(drop)
    apart = {f"claude_code_{name}" for name in ("day_ledger", "tool_days", "model_days")}  # they do not read records
    assert create_views(viewed.pipeline) == [name for name in NAMES if name not in apart]
    assert viewed.backend.run(f"SELECT COUNT(*) FROM {records}") == [(3,)]


def test_what_bears_the_name_of_a_view_and_is_none_of_ours_is_refused(viewed: World) -> None:
    actors, costs, records = (named(viewed, name) for name in ("actors", "costs", "records"))
    viewed.backend.run(
        f"DROP VIEW {actors}, {costs}; CREATE TABLE {actors} (mine int); CREATE VIEW {costs} AS SELECT 1"
    )
    outdate(viewed, "records")
    with pytest.raises(
        ConfigurationError, match="left as it is: claude_code_actors, claude_code_costs; rename or drop"
    ):
        create_views(viewed.pipeline)
    assert viewed.backend.run(f"SELECT obj_description('{records}'::regclass)") == [(OLD,)]


def test_the_documented_statement_makes_room_for_new_tables(viewed: World) -> None:
    """dlt drops no table that a view reads; the docs show how to drop the views first."""
    blocks = (ROOT / "docs" / "operations.md").read_text().split("```sql\n")[1:]
    (drop,) = [block.split("```")[0] for block in blocks if block.startswith("DROP VIEW")]
    with viewed.kept_open(), pytest.raises(PipelineStepFailed, match="other objects depend on it"):
        viewed.pipeline.run(viewed.source(start_date=TODAY), refresh="drop_sources")
    viewed.pipeline.drop_pending_packages()
    viewed.backend.run(drop.replace("claude_code.", f"{viewed.dataset}."))
    with viewed.kept_open():
        viewed.pipeline.run(viewed.source(start_date=TODAY), refresh="drop_sources")
    assert create_views(viewed.pipeline) == NAMES
    require_truth(viewed)
