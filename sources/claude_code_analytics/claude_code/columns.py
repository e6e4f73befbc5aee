"""Tables of the Claude Code report as data: name, type, place in the record, meaning. Everything else reads them here.

Meanings are from the API reference of `GET /v1/organizations/usage_report/claude_code`.
"""

from __future__ import annotations

from dataclasses import replace

from ..constants import DAYS_TABLE, MODEL_BREAKDOWN_TABLE, TOOL_ACTIONS_TABLE, USAGE_TABLE
from ..warehouse.schema import LOAD_ID, MONEY_PRECISION, MONEY_SCALE, ROW_ID, Column, Table


def _from(path: str, data_type: str, description: str) -> Column:
    """Returns a column that is read from the record. Its name is its path, joined as dlt joins nested names."""
    keys = tuple(path.split("."))
    return Column("__".join(keys), data_type, description, keys)


_ORGANIZATION = Column(
    "organization_id", "text", "Organization that the record belongs to.", ("organization_id",), nullable=False
)
_DATE = Column("date", "date", "UTC day of the usage.", ("date",), nullable=False)
_PARENTS_ORGANIZATION = replace(_ORGANIZATION, path=())
_PARENTS_DATE = replace(_DATE, path=())
_LOAD_ID = Column(LOAD_ID, "text", "dlt load package that wrote the row.", nullable=False)
_ROW_ID = Column(ROW_ID, "text", "Deterministic id of the row.", nullable=False)
_PARENT_ID = Column("_dlt_parent_id", "text", f"{ROW_ID} of the record in {USAGE_TABLE}.", nullable=False)
_LIST_IDX = Column("_dlt_list_idx", "bigint", "Position within the record, from 0.", nullable=False)

USAGE = Table(
    USAGE_TABLE,
    "Claude Code usage as the Admin API reports it, one row per record. A person has several rows a day.",
    (
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
    clustered_by=("actor__email_address", "organization_id"),
    counted_as="records",
)


def _breakdown(name: str, counted_as: str, description: str, *columns: Column) -> Table:
    """Returns a table of what a record breaks down into. Its first column distinguishes the items of a record."""
    return Table(
        name,
        description,
        (_PARENTS_ORGANIZATION, _PARENTS_DATE, *columns, _PARENT_ID, _LIST_IDX, _LOAD_ID, _ROW_ID),
        clustered_by=(columns[0].name, "organization_id"),
        counted_as=counted_as,
        parent=USAGE_TABLE,
    )


TOOL_ACTIONS = _breakdown(
    TOOL_ACTIONS_TABLE,
    "tool_actions",
    "Proposals of tools that were accepted or rejected, one row per record and tool.",
    Column("tool_name", "text", "Key of the tool in the record's tool_actions."),
    _from("accepted", "bigint", "Proposals of the tool that were accepted."),
    _from("rejected", "bigint", "Proposals of the tool that were rejected."),
)

MODEL_BREAKDOWN = _breakdown(
    MODEL_BREAKDOWN_TABLE,
    "models",
    "Tokens and estimated costs, in minor units (cents), one row per record and model.",
    _from("model", "text", "Model id as the API sends it."),
    _from("tokens.input", "bigint", "Input tokens, without those of the cache."),
    _from("tokens.output", "bigint", "Output tokens."),
    _from("tokens.cache_read", "bigint", "Tokens read from the cache."),
    _from("tokens.cache_creation", "bigint", "Tokens written to the cache."),
    _from("estimated_cost.currency", "text", "Currency of the amount; never sum across currencies."),
    replace(
        _from("estimated_cost.amount", "decimal", "Estimated cost in minor units (cents for USD), exact."),
        precision=MONEY_PRECISION,
        scale=MONEY_SCALE,
    ),
)

DAYS = Table(
    DAYS_TABLE,
    "Ledger of the days that were loaded, one row per organization, day and fetch.",
    (
        replace(_ORGANIZATION, path=(), description="Organization that was read."),
        Column("organization_name", "text", "Its name; NULL where the credential may not read it."),
        replace(_DATE, path=(), description="UTC day that was read."),
        Column("fetched_at", "timestamp", "The API's time at the first request for it.", nullable=False, precision=6),
        # NULL for a day that could not be read: its old rows stay, and it is not held (decision D5a).
        Column("records", "bigint", f"Rows loaded into {USAGE_TABLE}; NULL if the day could not be read."),
        Column("tool_actions", "bigint", f"Rows loaded into {TOOL_ACTIONS_TABLE}."),
        Column("models", "bigint", f"Rows loaded into {MODEL_BREAKDOWN_TABLE}."),
        Column("cells", "bigint", "Values that are not NULL in the rows of all three tables, dlt's own columns aside."),
        Column("pages", "bigint", "Pages of the response.", nullable=False),
        Column("request_id", "text", "request-id of the last page, for support."),
        Column("content_hash", "text", "Hash of the records, without who acted, whatever their order or pages."),
        Column("actor_identity", "text", "Treatment of actors: keep, drop, or hash: and a fingerprint of the key."),
        Column("is_final", "bool", "Fetched six hours or more after the end of the day.", nullable=False),
        _LOAD_ID,
    ),
    clustered_by=("organization_id",),
)
