"""Queries behind report and summary, in BigQuery's dialect: one SELECT of facts, and how it is grouped.

Parameters: `@organization`; `@first` to `@last`, the period; `@before_first` to `@before_last`, the days that it is
compared with; `@since` to `@until`, all days that are read; `@trends`, the first day of the trends.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from .sums import TOKENS

# Amounts that are never added to each other (METRICS, R8), by the customer type that they belong to.
API_COST, LIST_VALUE, OTHER_COST = "api_cost_usd", "subscription_value_usd", "other_cost_usd"
CUSTOMER_TYPES = {API_COST: "api", LIST_VALUE: "subscription"}
AMOUNTS = (API_COST, LIST_VALUE, OTHER_COST)
_COUNTS = ("sessions", "lines_added", "lines_removed", "commits", "pull_requests")
_DECISIONS = ("accepted", "rejected", "accepted_decided", "decisions")
# What a cost is divided by: sums over records with such a cost (METRICS, R9).
_PRICED = ("sessions", "commits", "pull_requests")

FACTS = "claude_code_facts"


def facts(money: str, left_out: Iterable[dt.date]) -> str:
    """Returns the SELECT of all records since the first day that matters, with `side` 1 in the period and 0 before it.

    Args:
        money: The amount that is meant by cost.
        left_out: Days that count on neither side.
    """
    days = ", ".join(f"DATE '{day}'" for day in sorted(left_out))
    hidden = f"WHEN r.date IN ({days}) THEN NULL" if days else ""
    return f"""
        SELECT r._dlt_id, r.date, r.actor_type, r.actor, r.customer_type, r.terminal_type, r.is_remote, r.is_active,
            {_listed("r", (*_COUNTS, *AMOUNTS))}, {_listed("d", _DECISIONS)}, r.{money} AS cost_usd,
            CASE WHEN r.customer_type = '{CUSTOMER_TYPES[money]}' THEN 1 END AS is_of_type,
            CASE {hidden}
                WHEN r.date >= @first AND r.date <= @last THEN 1
                WHEN r.date >= @before_first AND r.date <= @before_last THEN 0 END AS side
        FROM claude_code_records AS r
        LEFT JOIN (
            SELECT t._dlt_parent_id, SUM(t.accepted) AS accepted, SUM(t.rejected) AS rejected, {_DECIDED}
            FROM claude_code_usage__tool_actions AS t
            WHERE t.organization_id = @organization AND t.date >= @since AND t.date <= @until
            GROUP BY t._dlt_parent_id
        ) AS d ON d._dlt_parent_id = r._dlt_id
        WHERE r.organization_id = @organization AND r.date >= @since AND r.date <= @until"""


def _listed(table: str, names: Iterable[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


# Rates count only rows that report both numbers. Sums are added, not numbers: a sum has more than 64 bits.
_BOTH = "t.accepted IS NOT NULL AND t.rejected IS NOT NULL"
_DECIDED = (
    f"SUM(CASE WHEN {_BOTH} THEN t.accepted END) AS accepted_decided, "
    f"SUM(CASE WHEN {_BOTH} THEN t.accepted END) + SUM(CASE WHEN {_BOTH} THEN t.rejected END) AS decisions"
)
_ACTIVE = (
    "COUNT(DISTINCT CASE WHEN f.is_active THEN f.actor END) AS active, "
    "MAX(CASE WHEN f.is_active AND f.actor IS NULL THEN 1 ELSE 0 END) AS dropped, "
    "COUNT(DISTINCT CASE WHEN f.is_active AND f.cost_usd IS NOT NULL THEN f.actor END) AS paying, "
    "COUNT(DISTINCT CASE WHEN f.customer_type = 'subscription' THEN f.actor END) AS subscribers, "
    "COUNT(DISTINCT CASE WHEN f.is_active THEN f.date END) AS active_days, "
    "MAX(CASE WHEN f.is_active THEN f.date END) AS last_day"
)
_SUMS = ", ".join(
    (
        *(f"SUM(f.{name}) AS {name}" for name in (*_COUNTS, *_DECISIONS, *AMOUNTS, "cost_usd")),
        *(f"SUM(CASE WHEN f.cost_usd IS NOT NULL THEN f.{name} END) AS priced_{name}" for name in _PRICED),
        "SUM(f.is_of_type) AS records_of_type",
        "SUM(CASE WHEN f.is_of_type = 1 THEN f.sessions END) AS sessions_of_type",
        "SUM(CASE WHEN f.is_remote THEN f.sessions END) AS remote_sessions",
        "SUM(CASE WHEN f.is_remote IS NOT NULL THEN f.sessions END) AS located_sessions",
    )
)


def _dollars(customer_type: str) -> str:
    return (
        f"SUM(CASE WHEN {customer_type} AND t.estimated_cost__currency = 'USD' THEN t.estimated_cost__amount END) "
        "* CAST('0.01' AS DECIMAL(3, 2))"
    )


_DOLLARS = {
    API_COST: _dollars("f.customer_type = 'api'"),
    LIST_VALUE: _dollars("f.customer_type = 'subscription'"),
    OTHER_COST: _dollars("COALESCE(f.customer_type, '') NOT IN ('api', 'subscription')"),
}


def _model_sums(money: str) -> str:
    """Returns the sums of models; the price is that of tokens with an amount."""
    amounts = (f"{sql} AS {name}" for name, sql in _DOLLARS.items())
    columns = {name: f"t.tokens__{name.removeprefix('tokens_')}" for name in TOKENS}
    tokens = (f"SUM({column}) AS {name}" for name, column in columns.items())
    is_priced = "f.is_of_type = 1 AND t.estimated_cost__currency = 'USD' AND t.estimated_cost__amount IS NOT NULL"
    priced = (f"COALESCE(SUM(CASE WHEN {is_priced} THEN {column} END), 0)" for column in columns.values())
    priced_tokens = f"{' + '.join(priced)} AS priced_tokens"
    return ", ".join((*amounts, f"{_DOLLARS[money]} AS cost_usd", *tokens, priced_tokens))


def _breakdown(table: str) -> str:
    return (
        f"FROM {FACTS} AS f JOIN {table} AS t ON t._dlt_parent_id = f._dlt_id AND t.date = f.date "
        "AND t.organization_id = @organization"
    )


# What a row stands for, in SQL: by name, the column.
DIMENSIONS = {
    "actor": "f.actor",
    "terminal": "f.terminal_type",
    "tool": "t.tool_name",
    "model": "t.model",
    "currency": "t.estimated_cost__currency",
    "day": "f.date",
    "week": "CAST(DATE_TRUNC(f.date, WEEK(MONDAY)) AS DATE)",
    "month": "CAST(DATE_TRUNC(f.date, MONTH) AS DATE)",
}
SPANS = ("day", "week", "month")


def grouping(name: str, money: str) -> str:
    """Returns the query of sums by some dimensions and by side and type of actor.

    Args:
        name: Dimensions, with commas between them; `trend:` in front reads all days, not only those of both sides.
        money: The amount that is meant by cost.
    """
    everywhere, _, listed = name.rpartition(":")
    names = [each for each in listed.split(",") if each]
    if "tool" in names:
        sums, source = f"SUM(t.accepted) AS accepted, SUM(t.rejected) AS rejected, {_DECIDED}", "tool_actions"
    elif "model" in names:
        sums, source = _model_sums(money), "model_breakdown"
    else:
        sums, source = f"{_SUMS}, {_ACTIVE}", ""
    keys = [DIMENSIONS[each] for each in names]
    groups = ", ".join(["f.side", "f.actor_type", *keys])
    columns = "".join(f", {sql} AS {each}" for each, sql in zip(names, keys, strict=True))
    where = "" if everywhere else "WHERE f.side IS NOT NULL"
    return (
        f"SELECT f.side, f.actor_type{columns}, {sums} "
        f"{_breakdown(f'claude_code_usage__{source}') if source else f'FROM {FACTS} AS f'} {where} GROUP BY {groups}"
    )


LEDGER = """
    SELECT r.organization_id, r.date, r.is_final FROM claude_code_day_ledger AS r"""
# Which amount is meant by cost.
MONEY = """
    SELECT SUM(CASE WHEN u.customer_type = 'api' THEN t.estimated_cost__amount END) AS api_cost_usd,
        SUM(CASE WHEN u.customer_type = 'subscription' THEN t.estimated_cost__amount END) AS subscription_value_usd
    FROM claude_code_usage AS u
    JOIN claude_code_usage__model_breakdown AS t
        ON t._dlt_parent_id = u._dlt_id AND t.organization_id = u.organization_id AND t.date = u.date
    WHERE u.organization_id = @organization AND u.date >= @since AND u.date <= @until
        AND t.estimated_cost__currency = 'USD'"""
# Treatments of identities and names of the organization, by the newest fetch of each day.
ORGANIZATION = """
    SELECT r.actor_identity, r.organization_name, MAX(r.date) AS date
    FROM (
        SELECT l.date, l.actor_identity, l.organization_name, ROW_NUMBER() OVER (
            PARTITION BY l.date ORDER BY l.fetched_at DESC, l._dlt_load_id DESC) AS place
        FROM claude_code_days AS l
        WHERE l.organization_id = @organization AND l.date <= @until
    ) AS r
    WHERE r.place = 1
    GROUP BY r.actor_identity, r.organization_name
    ORDER BY 3 DESC"""

OTHERS = {
    # The last active day of everybody, up to the period's end.
    "seen": """
        SELECT r.actor, MAX(r.date) AS last_day
        FROM claude_code_records AS r
        WHERE r.organization_id = @organization AND r.date <= @last AND r.actor_type = 'user_actor' AND r.is_active
        GROUP BY r.actor""",
    # People of the weeks before the period, whether or not they are active in it.
    "stopped": f"""
        SELECT f.actor, MAX(CASE WHEN f.is_active THEN f.date END) AS last_day, SUM(f.sessions) AS sessions
        FROM {FACTS} AS f
        WHERE f.actor_type = 'user_actor' AND f.actor IS NOT NULL AND f.date >= @look_back AND f.date < @first
        GROUP BY f.actor""",
    "weekly_actors": f"""
        SELECT {DIMENSIONS["week"]} AS week, f.actor_type, f.actor, SUM(f.cost_usd) AS cost_usd
        FROM {FACTS} AS f
        WHERE f.cost_usd IS NOT NULL
        GROUP BY {DIMENSIONS["week"]}, f.actor_type, f.actor""",
    "active_actors": """
        SELECT r.date, r.actor_type, r.active_1d, r.active_7d, r.active_28d, r.window_complete, r.is_final
        FROM claude_code_active_actors AS r
        WHERE r.organization_id = @organization AND r.date >= @trends AND r.date <= @last
        ORDER BY r.date""",
    "weeks": """
        SELECT r.week, r.active_actors, r.new_actors, r.retained_actors, r.returning_actors, r.lapsed_actors,
            r.is_complete
        FROM claude_code_organization_weeks AS r
        WHERE r.organization_id = @organization AND r.week >= @trends AND r.week <= @last
            AND r.actor_type = 'user_actor'
        ORDER BY r.week""",
    "cohorts": """
        SELECT r.cohort_week, r.weeks_since, r.cohort_people, r.active_people, r.is_complete
        FROM claude_code_cohorts AS r
        WHERE r.organization_id = @organization AND r.cohort_week <= @last
        ORDER BY r.cohort_week, r.weeks_since""",
}
