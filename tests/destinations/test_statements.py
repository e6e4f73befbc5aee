"""Every statement that a load, `status` and `views` run, in the SQL of each destination: written by dlt without a
connection, and read by sqlglot as that destination would read it. What only DuckDB takes must not pass here."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from dialects import FIRST, LAST, TABLES
from filelock import FileLock
from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers

from claude_code_analytics.claude_code.columns import COLUMNS, TABLE_DESCRIPTIONS
from claude_code_analytics.destination.destinations import SERVED

ROOT = Path(__file__).parents[2]
WRITTEN = tuple(name for name in SERVED if name not in ("ducklake", "filesystem"))
"""DuckLake writes DuckDB's SQL; its client wants a catalog to be there. Files take no SQL."""
STAGED = ("bigquery+filesystem", "snowflake+filesystem", "redshift+filesystem", "databricks+filesystem")
USAGE, TOOLS, MODELS, LEDGER = TABLES

TYPES = {
    #             date    number       money             time with zone              yes or no   unknown object
    "duckdb": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMPTZ", "BOOLEAN", "JSON"),
    "motherduck": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMPTZ", "BOOLEAN", "JSON"),
    "bigquery": ("DATE", "INT64", "NUMERIC(38, 9)", "TIMESTAMP", "BOOL", "JSON"),
    "snowflake": ("DATE", "DECIMAL(19, 0)", "DECIMAL(38, 9)", "TIMESTAMPTZ(6)", "BOOLEAN", "VARIANT"),
    "postgres": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMPTZ(6)", "BOOLEAN", "JSONB"),
    "redshift": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "SUPER"),
    "databricks": ("DATE", "BIGINT", "DECIMAL(38, 9)", "TIMESTAMP", "BOOLEAN", "STRING"),
    "clickhouse": ("DATE", "Int64", "Nullable(Decimal(38, 9))", "DateTime64(6, 'UTC')", "Bool", "Nullable(String)"),
    "mssql": ("DATE", "BIGINT", "NUMERIC(38, 9)", "DATETIMEOFFSET(6)", "BIT", "JSON"),
    "synapse": ("DATE", "BIGINT", "NUMERIC(38, 9)", "DATETIMEOFFSET(6)", "BIT", "NVARCHAR(MAX)"),
    "fabric": ("DATE", "BIGINT", "DECIMAL(38, 9)", "DATETIME2(6)", "BIT", "VARCHAR(MAX)"),
}
"""Types of `date`, `records`, `estimated_cost__amount`, `fetched_at`, `is_final` and an unknown object, as each
destination names them. Amounts keep nine decimals of a cent: a cent is never rounded."""

RESERVED = {
    "ALL",
    "AND",
    "BY",
    "CASE",
    "DESC",
    "END",
    "FROM",
    "GROUP",
    "IN",
    "INTO",
    "ORDER",
    "SELECT",
    "TABLE",
    "USER",
}
"""Words that no dialect takes for an unquoted name; each destination's own are in sqlglot."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Any]:
    """What dlt writes for each destination; once for all workers of a test run."""
    folder = tmp_path_factory.getbasetemp()
    place = (folder if worker_id == "master" else folder.parent) / "dialects.json"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            program = [sys.executable, str(ROOT / "tests/support/dialects.py"), *WRITTEN, *STAGED]
            paths = [str(ROOT / "sources"), str(ROOT / "pipelines")]
            ran = subprocess.run(
                program, capture_output=True, text=True, check=False, timeout=120, env={"PYTHONPATH": ":".join(paths)}
            )
            assert ran.returncode == 0, ran.stderr
            place.write_text(ran.stdout)
    found: dict[str, Any] = json.loads(place.read_text())
    return found


def statements(written: dict[str, Any], name: str, purpose: str = "", table: str = "") -> list[str]:
    """The SQL for a destination, for one purpose and table or for all."""
    return [
        each["sql"]
        for each in written[name]["statements"]
        if purpose in ("", each["for"]) and table in ("", each["table"])
    ]


def parsed(written: dict[str, Any], name: str, purpose: str = "", table: str = "") -> Iterator[exp.Expression]:
    """The same, read strictly: a statement that sqlglot merely passes on does not count as read."""
    dialect = written[name]["dialect"]
    for sql in statements(written, name, purpose, table):
        trees = sqlglot.parse(sql.replace("%s", "?"), read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        assert len(trees) == 1, sql
        assert trees[0] is not None
        assert not isinstance(trees[0], exp.Command), sql
        yield trees[0]


def names(tree: exp.Expression, dialect: str) -> set[str]:
    """The columns that a statement names, as the destination resolves them: unquoted names fold by its rules."""
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


def columns_of(written: dict[str, Any], name: str, table: str) -> dict[str, exp.ColumnDef]:
    (create,) = (tree for tree in parsed(written, name, "create", table) if isinstance(tree, exp.Create))
    return {column.name: column for column in create.find_all(exp.ColumnDef)}


def conjuncts(where: exp.Expression | None) -> list[exp.Expression]:
    assert isinstance(where, exp.Where)
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_statement_is_sql_of_its_destination(written: dict[str, Any], name: str) -> None:
    assert {each["for"] for each in written[name]["statements"]} == {
        "create",
        "alter",
        "merge",
        "journal",
        "status",
        "view",
    }
    assert all(parsed(written, name))
    assert not [sql for sql in statements(written, name) if "::" in sql]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_name_is_a_column_as_it_was_created(written: dict[str, Any], name: str) -> None:
    dialect = written[name]["dialect"]
    fold = str.upper if name == "snowflake" else str
    created = {table: set(columns_of(written, name, table)) for table in TABLES}
    for table in TABLES:
        assert {fold(column.name) for column in COLUMNS[table]} <= created[table]
        for purpose in ("merge", "status"):
            for tree in parsed(written, name, purpose, table):
                unknown = names(tree, dialect) - created[table] - {"_dlt_dedup_rn", "_DLT_DEDUP_RN", "*"}
                assert not unknown, tree.sql(dialect)
    (view,) = parsed(written, name, "view")
    assert names(view, dialect) <= created[USAGE] | created[MODELS]


@pytest.mark.parametrize("name", WRITTEN)
def test_no_name_became_a_text_and_no_unquoted_one_is_reserved(written: dict[str, Any], name: str) -> None:
    dialect = sqlglot.Dialect.get_or_raise(written[name]["dialect"])
    reserved = RESERVED | {word.upper() for word in dialect.generator_class.RESERVED_KEYWORDS}
    known = {column.name for columns in COLUMNS.values() for column in columns} | set(TABLES)
    for tree in parsed(written, name):
        texts = {literal.this.lower() for literal in tree.find_all(exp.Literal) if literal.is_string}
        assert not texts & known, tree.sql(dialect)
        unquoted = {each.this.upper() for each in tree.find_all(exp.Identifier) if not each.args.get("quoted")}
        assert not unquoted & reserved, tree.sql(dialect)


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("table", TABLES)
def test_a_load_deletes_between_two_days_that_stand_in_the_sql(written: dict[str, Any], name: str, table: str) -> None:
    delete, insert = parsed(written, name, "merge", table)

    assert isinstance(delete, exp.Delete)
    days = {}
    for each in conjuncts(delete.args.get("where")):
        if isinstance(each, (exp.GTE, exp.LTE)):
            assert isinstance(each.this, exp.Column)
            assert each.this.name.lower() == "date"
            assert isinstance(each.expression, exp.Cast), f"a day must be a DATE, not a text: {each.sql()}"
            assert each.expression.to.is_type("date", "date32"), each.sql()
            assert isinstance(each.expression.this, exp.Literal)
            days[type(each)] = dt.date.fromisoformat(each.expression.this.this)
    assert days == {exp.GTE: FIRST, exp.LTE: LAST}
    assert isinstance(insert, exp.Insert)
    key = "fetched_at" if table == LEDGER else "_dlt_id"
    (window,) = insert.find_all(exp.Window)
    assert key in {column.name.lower() for column in window.args["partition_by"]}
    assert {each.name.lower() for each in insert.this.expressions} >= {column.name for column in COLUMNS[table]}


@pytest.mark.parametrize("name", WRITTEN)
def test_t_sql_gets_no_date_literal(written: dict[str, Any], name: str) -> None:
    deletes = [sql for sql in statements(written, name, "merge") if sql.startswith("DELETE")]
    literal = r"CAST\('2026-09-13' AS DATE\)" if name in ("mssql", "synapse", "fabric") else r"DATE '2026-09-13'"

    assert all(re.search(rf">= {literal} AND", sql) for sql in deletes)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_view_is_created_anew_and_has_types_that_all_know(written: dict[str, Any], name: str) -> None:
    (sql,) = statements(written, name, "view")
    (tree,) = parsed(written, name, "view")

    t_sql = name in ("mssql", "synapse", "fabric")
    assert sql.startswith("CREATE OR ALTER VIEW" if t_sql else "CREATE OR REPLACE VIEW")
    assert {cast.to.this for cast in tree.find_all(exp.Cast)} == {exp.DataType.Type.DECIMAL}


@pytest.mark.parametrize("name", WRITTEN)
def test_types_are_the_destinations_and_amounts_keep_their_decimals(written: dict[str, Any], name: str) -> None:
    dialect = written[name]["dialect"]

    def types(table: str, *wanted: str) -> list[str]:
        found = {column.lower(): each for column, each in columns_of(written, name, table).items()}
        return [found[each].args["kind"].sql(dialect) for each in wanted]

    day, number, time, flag = types(LEDGER, "date", "records", "fetched_at", "is_final")
    (money,), (unknown,) = types(MODELS, "estimated_cost__amount"), types(USAGE, "effort")

    assert (day, number, money, time, flag, unknown) == TYPES[name]


def test_a_key_of_clickhouse_is_never_null(written: dict[str, Any]) -> None:
    for table in TABLES:
        (create,) = parsed(written, "clickhouse", "create", table)
        (key,) = create.find_all(exp.PrimaryKey)
        columns = columns_of(written, "clickhouse", table)
        for each in key.find_all(exp.Identifier):
            assert not columns[each.name].args["kind"].args.get("nullable"), (table, each.name)


def test_bigquery_partitions_by_month_and_clusters_by_what_is_asked_for(written: dict[str, Any]) -> None:
    clusters = {
        USAGE: ["actor__email_address", "organization_id"],
        TOOLS: ["tool_name", "organization_id"],
        MODELS: ["model", "organization_id"],
        LEDGER: ["organization_id"],
    }
    for table in TABLES:
        (create,) = parsed(written, "bigquery", "create", table)
        (partition,) = create.find_all(exp.PartitionedByProperty)
        (cluster,) = create.find_all(exp.ClusterProperty)
        assert partition.this.sql("bigquery") == "DATE_TRUNC(`date`, MONTH)"
        assert [each.name for each in cluster.find_all(exp.Identifier)] == clusters[table]
        assert (
            f"OPTIONS (description='{TABLE_DESCRIPTIONS[table]}')"
            in statements(written, "bigquery", "create", table)[0]
        )


@pytest.mark.parametrize("name", ["bigquery", "snowflake", "databricks"])
def test_columns_carry_their_descriptions(written: dict[str, Any], name: str) -> None:
    for table in TABLES:
        created = {column.lower(): each for column, each in columns_of(written, name, table).items()}
        for column in COLUMNS[table]:
            texts = {literal.this for literal in created[column.name].find_all(exp.Literal)}
            assert column.description in texts, (table, column.name)


def test_snowflake_clusters_by_date_and_no_other_column(written: dict[str, Any]) -> None:
    for table in TABLES:
        found = [re.findall(r"CLUSTER BY \((.*?)\)", sql) for sql in statements(written, "snowflake", "create", table)]
        assert found == ([[]] if table == LEDGER else [['"DATE"']])


@pytest.mark.parametrize("name", [name for name in WRITTEN if name not in ("bigquery", "snowflake")])
def test_hints_for_one_destination_do_nothing_on_another(written: dict[str, Any], name: str) -> None:
    for sql in statements(written, name, "create"):
        assert not re.search(r"\b(PARTITION(ED)? BY|CLUSTER BY|DISTKEY|SORTKEY|PARTITION)\b", sql, re.IGNORECASE), sql


@pytest.mark.parametrize("name", WRITTEN)
def test_tables_of_before_grow_a_column_and_keep_their_layout(written: dict[str, Any], name: str) -> None:
    altered = [tree for tree in parsed(written, name, "alter") if isinstance(tree, exp.Alter)]

    assert len(altered) >= len(TABLES)
    assert not [sql for sql in statements(written, name, "alter") if "PARTITION" in sql]
    if name == "bigquery":
        assert not [sql for sql in statements(written, name, "alter") if "CLUSTER" in sql]


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("duckdb", "parquet"),
        ("bigquery", "jsonl"),
        ("snowflake", "parquet"),
        ("postgres", "insert_values"),
        ("redshift", "insert_values"),
        ("databricks", "parquet"),
        ("mssql", "insert_values"),
        ("bigquery+filesystem", "jsonl"),
        ("snowflake+filesystem", "parquet"),
        ("redshift+filesystem", "jsonl"),
        ("databricks+filesystem", "parquet"),
    ],
)
def test_files_are_those_that_the_destination_reads_right(written: dict[str, Any], name: str, file_format: str) -> None:
    assert set(written[name]["files"].values()) == {file_format}
