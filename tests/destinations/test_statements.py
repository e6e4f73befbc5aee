"""The SQL of every destination, parsed by sqlglot in the destination's dialect: names, quotes, types and layout.

dlt makes it without a connection, so this also covers destinations that no test can reach.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from filelock import FileLock
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from claude_code_analytics.claude_code.report import CLAUDE_CODE
from claude_code_analytics.warehouse.destinations import SUPPORTED
from destinations.statements import TABLES

ROOT = Path(__file__).parents[2]
DATABASES = tuple(each.name for each in SUPPORTED if not each.table_format)
BY_DEFAULT = ("bigquery", "snowflake")
STAGED = ("bigquery+filesystem", "snowflake+filesystem", "redshift+filesystem", "databricks+filesystem")
USAGE, TOOLS, MODELS, LEDGER = TABLES
RECORD_TABLES = TABLES[:3]
DECLARED = {table.name: table for table in (*CLAUDE_CODE.tables, CLAUDE_CODE.ledger)}

# Types of `date`, `records`, `estimated_cost__amount`, `fetched_at`, `is_final` and an unknown object, as each
# destination names them. Amounts keep nine decimals of a cent.
TYPES = {
    "duckdb": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMPTZ", "BOOLEAN", "JSON"),
    "motherduck": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMPTZ", "BOOLEAN", "JSON"),
    "bigquery": ("DATE", "INT64", "NUMERIC(38, 9)", "TIMESTAMP", "BOOL", "JSON"),
    "snowflake": ("DATE", "DECIMAL(19, 0)", "DECIMAL(38, 9)", "TIMESTAMPTZ(6)", "BOOLEAN", "VARIANT"),
    "postgres": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMPTZ(6)", "BOOLEAN", "JSONB"),
    "redshift": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "SUPER"),
    "databricks": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMP", "BOOLEAN", "STRING"),
}

# Words that no dialect takes for an unquoted name; each destination's own are in sqlglot.
RESERVED = {
    *("ALL", "AND", "BY", "CASE", "DESC", "END", "FROM", "GROUP", "IN", "INTO", "ORDER", "SELECT", "TABLE", "USER")
}


def param(name: str, *values: str) -> Any:
    """Makes a parameter set, which is slow unless its destination is tested by default."""
    return pytest.param(name, *values, marks=() if name in BY_DEFAULT else pytest.mark.slow)


every_database = pytest.mark.parametrize("name", [param(name) for name in DATABASES])


@pytest.fixture(scope="module")
def made(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Any]:
    """The statements of each destination that is tested; made once for all workers of a test run."""
    names = BY_DEFAULT if "not slow" in pytestconfig.getoption("markexpr") else (*DATABASES, *STAGED)
    folder = tmp_path_factory.getbasetemp()
    file = (folder if worker_id == "master" else folder.parent) / "statements.json"
    with FileLock(f"{file}.lock"):
        if not file.exists():
            program = [sys.executable, str(ROOT / "tests/destinations/statements.py"), *names]
            paths = [str(ROOT / "sources"), str(ROOT / "pipelines")]
            ran = subprocess.run(
                program, capture_output=True, text=True, check=False, timeout=120, env={"PYTHONPATH": ":".join(paths)}
            )
            assert ran.returncode == 0, ran.stderr
            file.write_text(ran.stdout)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def statements(made: dict[str, Any], name: str, purpose: str = "", table: str = "") -> list[str]:
    """Returns the SQL for a destination, of one purpose and table or of all."""
    return [
        each["sql"]
        for each in made[name]["statements"]
        if purpose in ("", each["for"]) and table in ("", each["table"])
    ]


def parsed(made: dict[str, Any], name: str, purpose: str = "", table: str = "") -> Iterator[exp.Expression]:
    """Parses the SQL strictly: a statement that sqlglot merely passes on does not count."""
    dialect = made[name]["dialect"]
    for sql in statements(made, name, purpose, table):
        trees = sqlglot.parse(sql.replace("%s", "?"), read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        assert len(trees) == 1, sql
        assert trees[0] is not None
        assert not isinstance(trees[0], exp.Command), sql
        yield trees[0]


def names(tree: exp.Expression, dialect: str) -> set[str]:
    """Returns the columns that a statement names, as the destination resolves them: unquoted names are folded."""
    folded = normalize_identifiers(tree.copy(), dialect=dialect)
    listed = (
        each
        for schema in folded.find_all(exp.Schema)
        if not isinstance(folded, exp.Create)
        for each in schema.expressions
    )
    return {
        *(column.name for column in folded.find_all(exp.Column)),
        *(each.name for each in listed if isinstance(each, exp.Identifier)),
    }


def columns_of(made: dict[str, Any], name: str, table: str) -> dict[str, exp.ColumnDef]:
    (create,) = (tree for tree in parsed(made, name, "create", table) if isinstance(tree, exp.Create))
    return {column.name: column for column in create.find_all(exp.ColumnDef)}


@every_database
def test_every_statement_is_sql_of_its_destination(made: dict[str, Any], name: str) -> None:
    purposes = {each["for"] for each in made[name]["statements"]}
    assert purposes == {"create", "alter", "merge", "proof", "look", "view"}
    assert all(parsed(made, name))
    assert not [sql for sql in statements(made, name) if "::" in sql]


@every_database
def test_every_name_is_a_column_as_it_was_created(made: dict[str, Any], name: str) -> None:
    dialect = made[name]["dialect"]
    fold = str.upper if name == "snowflake" else str
    created = {table: set(columns_of(made, name, table)) for table in TABLES}
    for table in TABLES:
        assert {fold(column) for column in DECLARED[table].column_names} <= created[table]
    for table in RECORD_TABLES:
        for tree in parsed(made, name, "merge", table):
            made_here = {fold(each) for each in ("_dlt_dedup_rn", "o", "d", "r", "n", "rowid", "*")}
            unknown = names(tree, dialect) - created[table] - made_here
            assert not unknown, tree.sql(dialect)
    for purpose in ("proof", "view"):
        trees = list(parsed(made, name, purpose))
        folded = (normalize_identifiers(tree.copy(), dialect=dialect) for tree in trees)
        aliases = {each.alias for tree in folded for each in tree.find_all(exp.Alias)}
        for tree in trees:
            unknown = names(tree, dialect) - set().union(*created.values(), aliases)
            assert not unknown, (unknown, tree.sql(dialect))


@every_database
def test_no_name_became_a_text_and_no_unquoted_one_is_reserved(made: dict[str, Any], name: str) -> None:
    dialect = sqlglot.Dialect.get_or_raise(made[name]["dialect"])
    reserved = RESERVED | {word.upper() for word in dialect.generator_class.RESERVED_KEYWORDS}
    known = {column for table in DECLARED.values() for column in table.column_names} | set(TABLES)
    for tree in parsed(made, name):
        texts = {literal.this.lower() for literal in tree.find_all(exp.Literal) if literal.is_string}
        assert not texts & known, tree.sql(dialect)
        unquoted = {each.this.upper() for each in tree.find_all(exp.Identifier) if not each.args.get("quoted")}
        assert not unquoted & reserved, tree.sql(dialect)


@every_database
@pytest.mark.parametrize("table", RECORD_TABLES)
def test_a_merge_deletes_the_staged_days_and_inserts_no_marker(made: dict[str, Any], name: str, table: str) -> None:
    trees = list(parsed(made, name, "merge", table))
    delete, insert = (
        next(tree for tree in reversed(trees) if isinstance(tree, kind)) for kind in (exp.Delete, exp.Insert)
    )
    (exists,) = delete.find_all(exp.Exists)
    (staged,) = exists.find_all(exp.Table)
    assert "staging" in f"{staged.db}{staged.name}".lower()
    compared = {each.sql(comments=False).lower().replace('"', "").replace("`", "") for each in exists.find_all(exp.EQ)}
    assert compared == {"s.o = organization_id", "s.d = date"}
    assert any(
        isinstance(each.this, exp.Column) and each.this.name.lower() == "_dlt_id" and each.expression.this == "@day"
        for each in insert.find_all(exp.NEQ)
    )
    windows = [window for tree in trees for window in tree.find_all(exp.Window)]
    assert any("_dlt_id" in {column.name.lower() for column in window.args["partition_by"]} for window in windows)
    assert {each.name.lower() for each in insert.this.expressions} >= set(DECLARED[table].column_names)
    if name == "postgres":
        lock = trees[-3]
        assert isinstance(lock, exp.Select)
        assert "pg_advisory_xact_lock" in lock.sql("postgres").lower()


@every_database
def test_delete_and_insert_are_one_transaction_where_the_destination_has_any(made: dict[str, Any], name: str) -> None:
    """dlt wraps them if their text looks like DDL; on Postgres one text of several statements is one transaction."""
    texts = statements(made, name, "merge", USAGE)
    assert ("CREATE" in " ".join(texts).upper()) == (name != "postgres")


@every_database
def test_types_are_the_destinations_and_amounts_keep_their_decimals(made: dict[str, Any], name: str) -> None:
    dialect = made[name]["dialect"]

    def types(table: str, *wanted: str) -> list[str]:
        found = {column.lower(): each for column, each in columns_of(made, name, table).items()}
        return [found[each].args["kind"].sql(dialect) for each in wanted]

    day, number, time, flag = types(LEDGER, "date", "records", "fetched_at", "is_final")
    (money,), (unknown,) = types(MODELS, "estimated_cost__amount"), types(USAGE, "effort")

    assert (day, number, money, time, flag, unknown) == TYPES[name]


def test_bigquery_partitions_by_month_and_clusters_by_what_is_filtered_on(made: dict[str, Any]) -> None:
    clusters = {
        USAGE: ["actor__email_address", "organization_id"],
        TOOLS: ["tool_name", "organization_id"],
        MODELS: ["model", "organization_id"],
        LEDGER: ["organization_id"],
    }
    for table in TABLES:
        (create,) = parsed(made, "bigquery", "create", table)
        (partition,) = create.find_all(exp.PartitionedByProperty)
        (cluster,) = create.find_all(exp.ClusterProperty)
        assert partition.this.sql("bigquery") == "DATE_TRUNC(`date`, MONTH)"
        assert [each.name for each in cluster.find_all(exp.Identifier)] == clusters[table]
        options = f"OPTIONS (description='{DECLARED[table].description}')"
        assert options in statements(made, "bigquery", "create", table)[0]


@pytest.mark.parametrize("name", [param(name) for name in ("bigquery", "snowflake", "databricks")])
def test_columns_carry_their_descriptions(made: dict[str, Any], name: str) -> None:
    for table in TABLES:
        created = {column.lower(): each for column, each in columns_of(made, name, table).items()}
        for column in DECLARED[table].columns:
            texts = {literal.this for literal in created[column.name].find_all(exp.Literal)}
            assert column.description in texts, (table, column.name)


def test_snowflake_clusters_by_date_and_no_other_column(made: dict[str, Any]) -> None:
    for table in TABLES:
        found = [re.findall(r"CLUSTER BY \((.*?)\)", sql) for sql in statements(made, "snowflake", "create", table)]
        assert found == ([[]] if table == LEDGER else [['"DATE"']])


@every_database
def test_an_older_table_gets_new_columns_and_keeps_its_layout(made: dict[str, Any], name: str) -> None:
    altered = [tree for tree in parsed(made, name, "alter") if isinstance(tree, exp.Alter)]

    assert len(altered) >= len(TABLES)
    assert not [sql for sql in statements(made, name, "alter") if "PARTITION" in sql]
    if name == "bigquery":
        assert not [sql for sql in statements(made, name, "alter") if "CLUSTER" in sql]


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        param("duckdb", "parquet"),
        param("bigquery", "jsonl"),
        param("snowflake", "parquet"),
        param("postgres", "insert_values"),
        param("redshift", "insert_values"),
        param("databricks", "parquet"),
        param("bigquery+filesystem", "jsonl"),
        param("snowflake+filesystem", "parquet"),
        param("redshift+filesystem", "jsonl"),
        param("databricks+filesystem", "parquet"),
    ],
)
def test_files_have_the_format_that_the_destination_reads_exactly(
    made: dict[str, Any], name: str, file_format: str
) -> None:
    assert set(made[name]["files"].values()) == {file_format}
