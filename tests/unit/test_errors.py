"""Error translation: what dlt and the drivers raise becomes one line with the fix, and without any password."""

from __future__ import annotations

import pytest
from dlt.common.configuration.exceptions import ConfigurationException, ConfigValueCannotBeCoercedException
from dlt.common.destination.exceptions import DestinationNoStagingMode, UnknownDestinationModule
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.common.normalizers.naming.exceptions import UnknownNamingModule
from dlt.destinations.impl.duckdb.exceptions import InvalidInMemoryDuckdbCredentials
from dlt.load.exceptions import LoadClientJobFailed
from dlt.pipeline.exceptions import InvalidPipelineName

from claude_code_analytics import ApiUnavailable, ClaudeCodeAnalyticsError, ConfigurationError, DestinationError
from claude_code_analytics.installation import install_command
from claude_code_pipelines.driver_text import one_line
from claude_code_pipelines.error_messages import translate_errors

PASSWORD = "hunter2/with@odd"


def translated(error: BaseException, cause: BaseException | None = None, step: str = "it failed") -> str:
    """Returns the line that an error becomes; `cause` is what it was raised from."""
    return str(raised(error, cause, step))


def raised(error: BaseException, cause: BaseException | None = None, step: str = "it failed") -> BaseException:
    with pytest.raises(BaseException) as caught, translate_errors(step):  # noqa: PT011
        raise error from cause
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("reported", "fix"),
    [
        ('FATAL:  password authentication failed for user "loader"', "check user, password or key"),
        ("Incorrect username or password was specified.", "check user, password or key"),
        ("invalid_grant: Invalid JWT Signature.", "check user, password or key"),
        ("404 Dataset analytics:claude_code was not found in location EU", "set `location` in [destination.bigquery]"),
        ("permission denied for schema claude_code", "grant this user that right"),
        ("Access Denied: Table x: User does not have permission", "grant this user that right"),
        ("Cannot execute statement: database is attached in read-only mode", "grant this user that right"),
        (
            'IO Error: Could not set lock on file "/x.duckdb": Conflicting lock is held in /bin/python (PID 4711)',
            "another program has the file open (PID 4711): close it there",
        ),
        ("Out of Memory Error: could not allocate block", "or load fewer days at once with --window-days"),
        ("[Errno 17] File exists: '/data/claude_code'", "choose another --dataset, or move the folder away"),
        ('FATAL:  database "warehouse" does not exist', "create it, or name another"),
        ("canceling statement due to statement timeout", "another session holds a lock on a table"),
        ("could not extend file: No space left on device", "make room there"),
        ("Quota exceeded: your project exceeded quota", "make room there"),
        ("connection to server failed: Connection refused", "check that the warehouse runs and can be reached"),
        ("server closed the connection unexpectedly", "check that the warehouse runs and can be reached"),
        ("could not translate host name to address", "check that the warehouse runs and can be reached"),
    ],
)
def test_a_drivers_error_comes_with_the_fix(reported: str, fix: str) -> None:
    error = raised(DltException("pipeline step failed"), OSError(reported), "the window could not be written")

    assert isinstance(error, (ConfigurationError, DestinationError))
    assert str(error).startswith(f"the window could not be written: {reported.split(':')[0].split()[0]}")
    assert fix in str(error)


def test_an_error_without_a_known_fix_is_shown_as_it_is() -> None:
    assert translated(DltException("x"), OSError("bit rot in sector 7.")) == "it failed: bit rot in sector 7"


def test_a_table_that_rejects_rows_is_named_with_the_way_out() -> None:
    for reported, fix in (
        ("Conversion Error: could not convert", "if somebody changed the table, undo that, then run the same command"),
        ('new row violates check constraint "mine"', "if somebody changed the table, undo that"),
        ("IO Error: could not write: File too large", "make room there, then run the same command again"),
        ('syntax error at or near "s"', "run the same command again; if that fails too, load into another --dataset"),
        ("bit rot in sector 7", "run the same command again; if that fails too, load into another --dataset"),
    ):
        failure = LoadClientJobFailed("load1", "claude_code_usage.abc.0.parquet", reported, reported)
        line = translated(DltException("step failed"), failure)
        assert line.startswith("loading table claude_code_usage failed: ")
        assert fix in line
        assert "drop" not in line


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (UnknownDestinationModule("nowhere", {}, None), "dlt has no destination 'nowhere'; use one of duckdb"),
        (UnknownDestinationModule("postgresql", {}, None), "did you mean postgres?"),
        (UnknownDestinationModule("big-query", {}, None), "did you mean bigquery?"),
        (
            UnknownDestinationModule("Delta", {}, None),
            "did you mean filesystem (Delta tables in a folder or a bucket)?",
        ),
        (DestinationNoStagingMode("duckdb"), "files can only be staged in a bucket: use --staging filesystem"),
        (InvalidPipelineName("a/b", "no"), "a/b"),
        (ConfigurationException("the value of x is bad"), "the value of x is bad"),
        (MissingDependencyException("Postgres", ["psycopg2"]), "psycopg2"),
        (MissingDependencyException("Snowflake", ["dlt[snowflake]"]), install_command("dlt[snowflake]", "snowflake")),
        (MissingDependencyException("AwsCredentials", ["dlt[s3]"]), "pip install 'dlt[s3]'"),
        (ImportError("libpq.so.5: cannot open shared object file"), "the driver cannot be used: libpq"),
        (
            ModuleNotFoundError("No module named 'snowflake'", name="snowflake"),
            f"the driver is not installed: {install_command('dlt[snowflake]', 'snowflake')}",
        ),
        (
            ConfigValueCannotBeCoercedException("lookback_days", "x", int),
            "sources.claude_code_analytics.lookback_days in dlt's configuration must be a whole number",
        ),
        (ConfigValueCannotBeCoercedException("workers", "x", int), "workers in dlt's configuration must be a whole"),
        (InvalidInMemoryDuckdbCredentials(), "set destination.duckdb.credentials to a file"),
        (UnknownNamingModule("odd"), "schema.naming: dlt has no naming convention 'odd'; leave it out"),
    ],
)
def test_a_mistake_in_configuration_or_installation_is_a_configuration_error(
    mistake: BaseException, sentence: str
) -> None:
    for error in (
        (raised(mistake), raised(DltException("outer"), mistake))
        if isinstance(mistake, DltException)
        else (raised(mistake),)
    ):
        assert isinstance(error, ConfigurationError)
        assert sentence in str(error)


def test_an_own_error_that_dlt_wrapped_comes_out_as_it_was() -> None:
    own = ApiUnavailable("the API kept failing")
    assert raised(DltException("pipeline step failed"), own) is own


def test_an_interrupt_that_dlt_wrapped_stays_an_interrupt() -> None:
    assert isinstance(raised(DltException("pipeline step failed"), KeyboardInterrupt()), KeyboardInterrupt)


def test_an_import_that_failed_on_the_way_does_not_hide_why_the_load_failed() -> None:
    failed = OSError("connection refused")
    failed.__context__ = ImportError("no module named adbc")
    assert "connection refused" in translated(DltException("x"), failed)


def test_errors_of_other_libraries_are_left_alone() -> None:
    assert isinstance(raised(ValueError("a bug")), ValueError)


@pytest.mark.parametrize(
    "text",
    [
        f"could not connect to postgresql://loader:{PASSWORD}@db.example.test:5432/warehouse",
        f"the address 'postgres://loader:{PASSWORD}@db/warehouse' is refused",
        f'could not translate host name "{PASSWORD.split("/")[1]}@db.example.test" to address',
    ],
)
def test_no_password_of_an_address_is_shown(text: str) -> None:
    line = translated(DltException("step failed"), OSError(text))
    assert "hunter2" not in line
    assert "with@odd" not in line
    assert "***@db" in line


def test_an_errors_text_is_one_short_line_without_control_characters() -> None:
    line = one_line(OSError("first\n\x1b[31msecond\x00 " + "word " * 500))
    assert line.startswith("first [31msecond word")
    assert line.isprintable()
    assert len(line) <= 300


def test_the_servers_excerpt_of_our_sql_is_left_out() -> None:
    assert one_line(OSError("relation x is missing\nLINE 1: SELECT secret FROM y\n   ^")) == "relation x is missing"
    details = "null value in column y\nDETAIL:  Failing row contains (user_actor, ada@example.test)."
    assert one_line(OSError(details)) == "null value in column y"


def test_an_error_without_a_text_is_shown_by_its_type() -> None:
    assert one_line(TimeoutError()) == "TimeoutError"


def test_every_translated_error_belongs_to_the_one_tree() -> None:
    for error in (DltException("x"), ConfigurationException("y"), ImportError("z")):
        assert isinstance(raised(error), ClaudeCodeAnalyticsError)
