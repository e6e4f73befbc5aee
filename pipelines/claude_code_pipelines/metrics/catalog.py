"""The catalog of views: name, grain, columns, meaning and caveat. Comments, docs and report read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files

from sqlglot import exp, parse_one

from claude_code_analytics.claude_code.report import CLAUDE_CODE

from .explanations import SIGN_INS_MISSING

# The dialect of the SELECTs. It is the strictest: weeks begin on Monday everywhere when they are written in it.
DIALECT = "bigquery"

# Meanings of the columns that several views share. Measures have the same name and meaning everywhere.
MEASURES = {
    "sessions": "Sessions started. NULL if the API reported none.",
    "lines_added": "Lines added by Claude Code, as the API counts them; later deletions are not tracked.",
    "lines_removed": "Lines removed by Claude Code.",
    "commits": "Commits made through Claude Code.",
    "pull_requests": "Pull requests opened through Claude Code, merged or not.",
    "accepted": "Proposed edits that were accepted, automatically accepted ones included.",
    "rejected": "Proposed edits that were rejected.",
    "tokens_input": "Input tokens, without cache reads and cache creation.",
    "tokens_output": "Output tokens.",
    "tokens_cache_read": "Tokens read from the cache.",
    "tokens_cache_creation": "Tokens written to the cache.",
    "cost_usd": "Estimated cost in US dollars. NULL if none was reported. An estimate, not an invoice.",
}
COLUMNS = {
    **{column.name: column.description for table in CLAUDE_CODE.tables for column in table.columns},
    **MEASURES,
    "organization_id": "The organization.",
    "date": "UTC day.",
    "actor_type": "user_actor (a person) or api_actor (an API key).",
    "actor": "Lower-cased address of a person, or name of an API key; NULL where identities are dropped.",
    "customer_type": "api (billed by use) or subscription (the cost is notional).",
    "subscription_type": "enterprise, team or NULL.",
    "terminal_type": "Terminal or editor; NULL or empty if unknown.",
    "is_remote": "Whether the sessions ran remotely; NULL before August 2026.",
    "is_active": "Whether any measure is above zero.",
    "is_final": "Whether the newest fetch was at least six hours after the day's end.",
    "is_complete": "Whether all days of the period are loaded and final.",
    "acceptance_rate": "accepted / (accepted + rejected), over rows that report both.",
    "cache_read_share": "Cache reads / (input + cache reads + cache creation), in tokens.",
    "cost_coverage": "Sessions of records with a cost / all sessions.",
    "has_cost": "Whether the record reports a cost, in any currency.",
    "week": "Monday of the ISO week.",
}


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        name: Name in the warehouse.
        grain: Columns that identify a row, beside `organization_id`.
        description: Its meaning, in one sentence.
        caveat: What must not be concluded from it.
        columns: Meanings of the columns that no other view has.
    """

    name: str
    grain: tuple[str, ...]
    description: str
    caveat: str = ""
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def select(self) -> str:
        """The SELECT, in BigQuery's dialect."""
        return (files(__package__) / "sql" / f"{self.name}.sql").read_text(encoding="utf-8")

    @property
    def meanings(self) -> dict[str, str]:
        """By column, in order of the SELECT, its meaning."""
        known = COLUMNS | self.columns
        return {name: known[name] for name in parse_one(self.select, read=DIALECT, into=exp.Select).named_selects}

    @property
    def comment(self) -> str:
        """Description, grain and caveat, as the warehouse shows them."""
        grain = f"One row per organization, {', '.join(self.grain)}."
        return " ".join(filter(None, (self.description, grain, self.caveat)))


# In the order in which they are created: later ones read earlier ones.
VIEWS = (
    View(
        "claude_code_day_ledger",
        ("date",),
        "The newest fetch of each loaded day.",
        columns={
            "records": "Records of the newest fetch.",
            "first_fetched_at": "First fetch (UTC).",
            "last_fetched_at": "Newest fetch (UTC).",
            "fetches": "How often the day was fetched.",
            "changed_after_final": "Whether final fetches of the day differ in content.",
        },
    ),
    View(
        "claude_code_records",
        ("_dlt_id",),
        "Records with their breakdowns summed: the only place that joins them.",
        "A person has several records a day: never count rows as people.",
        columns={"_dlt_id": "Id of the record."},
    ),
    View("claude_code_person_days", ("date", "actor_type", "actor"), "What each person and key did on each day."),
    View(
        "claude_code_active_people",
        ("date",),
        "People and keys that were active on the day, in 7 and in 28 days that end with it.",
        f"Distinct counts cannot be added. NULL where identities are dropped. {SIGN_INS_MISSING}",
        columns={
            f"active_{who}_{days}d": f"Distinct {who} active {span}."
            for days, span in ((1, "on the day"), (7, "in the 7 days up to it"), (28, "in the 28 days up to it"))
            for who in ("people", "keys")
        }
        | {"window_complete": "Whether all 28 days are loaded and final."},
    ),
    View(
        "claude_code_organization_days",
        ("date",),
        "All measures of each loaded day; 0 on a loaded day without records.",
        "Days that are not loaded have no row.",
    ),
    View(
        "claude_code_organization_weeks",
        ("week",),
        "Active, new, retained, returning and lapsed people of each ISO week, with all measures.",
        "Lapsed people may be on holiday. New means first loaded, not first ever: NULL in the first four weeks.",
        columns={
            "active_people": "People active in the week.",
            "new_people": "People whose first active week is this one.",
            "retained_people": "People active this week and the week before.",
            "returning_people": "People active this week, not the week before, and not new.",
            "lapsed_people": "People active the week before and not this week.",
        },
    ),
    View(
        "claude_code_cohorts",
        ("cohort_week", "weeks_since"),
        "Retention: of the people who began in a week, how many were active so many weeks later.",
        "People of the first four loaded weeks are one cohort, under the first of these weeks: nobody knows when they "
        "began. Average over cohorts by summing people, not percentages.",
        columns={
            "cohort_week": "Monday of the first active week.",
            "weeks_since": "Whole weeks since each person's first active week.",
            "cohort_people": "People of the cohort.",
            "active_people": "Those active in that week.",
            "retention": "active_people / cohort_people.",
        },
    ),
    View(
        "claude_code_people",
        ("actor_type", "actor"),
        "Each person and key: first and last day, measures of all days and of the last 28 final days (_28d).",
        "usage_level compares people of this organization with each other: about a quarter is always heavy.",
        columns={
            "first_day": "First active day.",
            "last_day": "Last active day.",
            "active_days_28d": "Active days in the last 28 final days.",
            "usage_level": "heavy, moderate, light, minimal or none, by sessions of the last four complete weeks; NULL "
            "under eight people.",
        }
        | {f"{name}_28d": f"{name} of the last 28 final days." for name in MEASURES},
    ),
    View(
        "claude_code_tool_days",
        ("date", "actor_type", "tool_name"),
        "Accepted and rejected proposals by tool.",
        "Permission modes that accept edits count as accepted: a trend, not a measure of quality.",
        columns={"tool_name": "Tool that proposed the edits."},
    ),
    View(
        "claude_code_model_days",
        ("date", "customer_type", "model", "currency"),
        "Tokens and estimated cost by model.",
        "Never add currencies, nor api (billed) and subscription (notional).",
        columns={
            "model": "Model id as the API sends it.",
            "currency": "Currency of the cost.",
            "cost": "Estimated cost in the currency's main unit.",
            "price_per_mtok": "Cost per million tokens of all four kinds: a blend that moves with the cache share.",
        },
    ),
    View(
        "claude_code_mix_days",
        ("date", "customer_type", "subscription_type", "terminal_type", "is_remote"),
        "All measures by customer type, subscription, terminal and remote or local.",
        "A person appears in several rows.",
    ),
    View(
        "claude_code_costs",
        ("_dlt_id", "model"),
        "Estimated cost in US dollars, one row for each model of each record.",
        "A cost in another currency is NULL here.",
        columns={"model": "Model id as the API sends it.", "estimated_cost_usd": "Estimated cost in US dollars."},
    ),
)
