"""Queries behind report and summary, over the views, in BigQuery's dialect.

Parameters: `@organization`; `@first` to `@last`, the period; `@before`, the first day of the period before it;
`@since`, the first day of the trends.
"""

from __future__ import annotations

from .catalog import MEASURES
from .totals import COVERED, KEY, PERSON

_SUMS = ", ".join(f"SUM(r.{name}) AS {name}" for name in MEASURES)
# Over records that report a cost in dollars, for costs per session, commit and so on (METRICS, R9).
_WITH_COST = ", ".join(f"SUM(CASE WHEN r.has_cost THEN r.{name} END) AS {name}_with_cost" for name in COVERED)
_DECIDED = (
    "SUM(CASE WHEN r.accepted IS NOT NULL AND r.rejected IS NOT NULL THEN r.accepted END) AS accepted_decided, "
    "SUM(CASE WHEN r.accepted IS NOT NULL AND r.rejected IS NOT NULL THEN r.accepted + r.rejected END) AS decisions"
)
_ACTIVE = ", ".join(
    f"SUM(CASE WHEN r.actor_type = '{kind}' THEN a.active_{days}d END) AS active_{who}_{days}d"
    for kind, who in ((PERSON, "people"), (KEY, "keys"))
    for days in (1, 7, 28)
)
# A record's amount stands in one of the three columns.
_COST = "COALESCE(r.api_cost_usd, r.subscription_value_usd, r.other_cost_usd)"
_IN_PERIODS = "r.organization_id = @organization AND r.date >= @before AND r.date <= @last"
_IS_CURRENT = "CASE WHEN r.date >= @first THEN 1 ELSE 0 END"

QUERIES = {
    "days": f"""
        SELECT r.date, {_SUMS}, r.is_final, {_ACTIVE},
            MAX(CASE WHEN a.window_complete THEN 1 ELSE 0 END) = 1 AS window_complete
        FROM claude_code_organization_days AS r
        LEFT JOIN claude_code_active_actors AS a
            ON a.organization_id = r.organization_id AND a.date = r.date AND a.actor_type = r.actor_type
        WHERE r.organization_id = @organization AND r.date >= @since AND r.date <= @last
        GROUP BY r.date, r.is_final
        ORDER BY r.date""",
    "actors": f"""
        SELECT {_IS_CURRENT} AS is_current, r.actor_type, r.actor,
            COUNT(DISTINCT CASE WHEN r.is_active THEN r.date END) AS active_days,
            MAX(CASE WHEN r.is_active THEN r.date END) AS last_day,
            SUM(r.api_cost_usd) AS billed_cost, SUM(r.subscription_value_usd) AS notional_cost, {_SUMS}, {_DECIDED}
        FROM claude_code_records AS r
        WHERE {_IN_PERIODS}
        GROUP BY {_IS_CURRENT}, r.actor_type, r.actor""",
    "costs": f"""
        SELECT {_IS_CURRENT} AS is_current, r.actor_type, r.customer_type, SUM({_COST}) AS cost_usd,
            SUM(r.sessions) AS sessions, SUM(CASE WHEN r.has_cost THEN r.sessions END) AS sessions_covered,
            {_WITH_COST}
        FROM claude_code_records AS r
        WHERE {_IN_PERIODS}
        GROUP BY {_IS_CURRENT}, r.actor_type, r.customer_type""",
    "people": """
        SELECT r.actor_type, r.actor, r.first_day, r.usage_level
        FROM claude_code_actors AS r
        WHERE r.organization_id = @organization""",
    "models": f"""
        SELECT r.date, r.customer_type, r.model, r.currency, r.tokens_input, r.tokens_output, r.tokens_cache_read,
            r.tokens_cache_creation, {_COST} AS cost, r.price_per_mtok
        FROM claude_code_model_days AS r
        WHERE r.organization_id = @organization AND r.date >= @since AND r.date <= @last""",
    "tools": f"""
        SELECT r.date, r.tool_name, SUM(r.accepted) AS accepted, SUM(r.rejected) AS rejected, {_DECIDED}
        FROM claude_code_usage__tool_actions AS r
        WHERE r.organization_id = @organization AND r.date >= @since AND r.date <= @last
        GROUP BY r.date, r.tool_name""",
    "weeks": """
        SELECT r.week, r.active_actors AS active_people, r.new_actors AS new_people,
            r.retained_actors AS retained_people, r.returning_actors AS returning_people,
            r.lapsed_actors AS lapsed_people, r.is_complete
        FROM claude_code_organization_weeks AS r
        WHERE r.organization_id = @organization AND r.actor_type = 'user_actor' AND r.week >= @since AND r.week <= @last
        ORDER BY r.week""",
    "cohorts": """
        SELECT r.cohort_week, r.weeks_since, r.cohort_people, r.active_people, r.is_complete
        FROM claude_code_cohorts AS r
        WHERE r.organization_id = @organization AND r.cohort_week <= @last
        ORDER BY r.cohort_week, r.weeks_since""",
    "mix": """
        SELECT r.terminal_type, r.is_remote, SUM(r.sessions) AS sessions
        FROM claude_code_mix_days AS r
        WHERE r.organization_id = @organization AND r.date >= @first AND r.date <= @last
        GROUP BY r.terminal_type, r.is_remote""",
    # Treatment of identities, by the newest fetch of each day.
    "identities": """
        SELECT DISTINCT r.actor_identity
        FROM (
            SELECT l.actor_identity, ROW_NUMBER() OVER (
                PARTITION BY l.date ORDER BY l.fetched_at DESC, l._dlt_load_id DESC) AS place
            FROM claude_code_days AS l
            WHERE l.organization_id = @organization AND l.date <= @last
        ) AS r
        WHERE r.place = 1""",
}
# What a summary needs.
HEADLINE_QUERIES = ("days", "actors", "costs", "identities", "models", "tools")
# Read by most queries, so it pays to compute them once.
KEPT_VIEWS = ("claude_code_records", "claude_code_actor_days")
