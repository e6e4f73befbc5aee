"""The facts about columns: name, type, place in the record, meaning. Shaping, hints, docs and tests read them here.

Types are dlt's names for them (`text`, `bigint`, ...); `ARROW_TYPES` says what each is in Arrow. Sources of the
meanings: the API reference of `GET /v1/organizations/usage_report/claude_code`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from ..settings import DAYS_TABLE, MODEL_BREAKDOWN_TABLE, TOOL_ACTIONS_TABLE, USAGE_TABLE

Path = tuple[str, ...]

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "bool": pa.bool_(),
    "double": pa.float64(),
    "decimal": pa.decimal128(38, 9),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
}


@dataclass(frozen=True)
class Column:
    """One column of one table.

    Attributes:
        name: Name in the warehouse.
        data_type: dlt's name of the type, a key of `ARROW_TYPES`.
        description: Meaning and unit, written to the warehouse where it takes descriptions.
        path: Keys that lead to the value in a record (or in an item of its breakdown); empty for a column
            that the connector makes itself.
        nullable: Whether NULL is allowed.
    """

    name: str
    data_type: str
    description: str
    path: Path = ()
    nullable: bool = True

    @property
    def field(self) -> pa.Field:
        """The Arrow field of this column."""
        return pa.field(self.name, ARROW_TYPES[self.data_type], nullable=self.nullable)


def _from(path: str, data_type: str, description: str) -> Column:
    """A column that is read from the record: its name is its path, joined as dlt joins nested names."""
    keys = tuple(path.split("."))
    return Column("__".join(keys), data_type, description, keys)


_ORGANIZATION = Column("organization_id", "text", "Organization that the record belongs to.", ("organization_id",))
_DATE = Column("date", "date", "UTC day that was asked for.", ("date",), nullable=False)
_PARENTS_ORGANIZATION = replace(_ORGANIZATION, path=())
_PARENTS_DATE = replace(_DATE, path=())
_ROW_ID = Column("_dlt_id", "text", "Deterministic id of the row.", nullable=False)
_LOAD_ID = Column("_dlt_load_id", "text", "dlt load package that wrote the row.", nullable=False)
_PARENT_ID = Column("_dlt_parent_id", "text", f"_dlt_id of the record in {USAGE_TABLE}.", nullable=False)
_LIST_IDX = Column("_dlt_list_idx", "bigint", "Position within the record, from 0.", nullable=False)

TABLE_DESCRIPTIONS = {
    USAGE_TABLE: "Claude Code usage as the Admin API reports it, one row per record. A person has several rows a day.",
    TOOL_ACTIONS_TABLE: "Proposals of tools that were accepted or rejected, one row per record and tool.",
    MODEL_BREAKDOWN_TABLE: "Tokens and estimated costs, in minor units (cents), one row per record and model.",
    DAYS_TABLE: "Ledger of the days that were loaded, one row per day and fetch.",
}
"""Meaning and grain of the tables, written to the warehouse where it takes descriptions."""

COLUMNS: dict[str, tuple[Column, ...]] = {
    USAGE_TABLE: (
        _ORGANIZATION,
        _DATE,
        _from("actor.type", "text", "user_actor (signed in) or api_actor (API key)."),
        _from("actor.email_address", "text", "Address of a user_actor. Personal data."),
        _from("actor.api_key_name", "text", "Display name of an api_actor's key; not unique. May be personal data."),
        _from("customer_type", "text", "api (pay as you go) or subscription."),
        _from("subscription_type", "text", "enterprise, team or NULL."),
        _from("terminal_type", "text", "Terminal or editor: vscode, iTerm.app, tmux, ..."),
        _from("is_remote", "bool", "Remote session, such as Claude Code on the web; reported as rows of their own."),
        _from("core_metrics.num_sessions", "bigint", "Distinct sessions started."),
        _from("core_metrics.lines_of_code.added", "bigint", "Lines added by Claude Code."),
        _from("core_metrics.lines_of_code.removed", "bigint", "Lines removed by Claude Code."),
        _from("core_metrics.commits_by_claude_code", "bigint", "Commits made by Claude Code."),
        _from("core_metrics.pull_requests_by_claude_code", "bigint", "Pull requests made by Claude Code."),
        _LOAD_ID,
        _ROW_ID,
    ),
    TOOL_ACTIONS_TABLE: (
        _PARENTS_ORGANIZATION,
        _PARENTS_DATE,
        Column("tool_name", "text", "Key of the tool in the record's tool_actions."),
        _from("accepted", "bigint", "Proposals of the tool that were accepted."),
        _from("rejected", "bigint", "Proposals of the tool that were rejected."),
        _PARENT_ID,
        _LIST_IDX,
        _ROW_ID,
    ),
    MODEL_BREAKDOWN_TABLE: (
        _PARENTS_ORGANIZATION,
        _PARENTS_DATE,
        _from("model", "text", "Model id as the API sends it."),
        _from("tokens.input", "bigint", "Input tokens, without those of the cache."),
        _from("tokens.output", "bigint", "Output tokens."),
        _from("tokens.cache_read", "bigint", "Tokens read from the cache."),
        _from("tokens.cache_creation", "bigint", "Tokens written to the cache."),
        _from("estimated_cost.currency", "text", "Currency of the amount; never sum across currencies."),
        _from("estimated_cost.amount", "decimal", "Estimated cost in minor units (cents for USD), exact."),
        _PARENT_ID,
        _LIST_IDX,
        _ROW_ID,
    ),
    DAYS_TABLE: (
        replace(_ORGANIZATION, nullable=False),  # ClickHouse takes no column into a key that may be NULL
        _DATE,
        Column("fetched_at", "timestamp", "When the day's first page was asked for.", nullable=False),
        Column("records", "bigint", "Records that the API gave for the day.", nullable=False),
        Column("pages", "bigint", "Pages that they came on.", nullable=False),
        Column("request_id", "text", "request-id of the day's last page."),
        Column("content_hash", "text", "Hash of the day's records, whatever their order or pages.", nullable=False),
        Column("is_final", "bool", "Asked six hours or more after the day's end.", nullable=False),
        _LOAD_ID,
    ),
}
