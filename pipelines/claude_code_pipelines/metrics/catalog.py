"""The catalog of views: name, grain, columns, meaning and caveat. Comments, docs and report read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
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
    "api_cost_usd": "Estimated cost of use that is billed (customer type api), in US dollars: an estimate, not an "
    "invoice. NULL if none was reported.",
    "subscription_value_usd": "What subscription use would cost at list prices, in US dollars. Nobody is billed for "
    "it: never add it to a cost.",
    "other_cost_usd": "Estimated cost of any other customer type, in US dollars. It is not known who pays it.",
}
COLUMNS = {
    **{column.name: column.description for table in CLAUDE_CODE.tables for column in table.columns},
    **MEASURES,
    "organization_id": "The organization.",
    "date": "UTC day.",
    "actor_type": "user_actor (a person), api_actor (an API key), or another type.",
    "actor": "Address of a person in lower case, or name of an API key; NULL where identities are dropped, and for "
    "other types.",
    "customer_type": "api (billed by use) or subscription (nobody is billed for the use).",
    "subscription_type": "enterprise, team or NULL.",
    "terminal_type": "Terminal or editor; NULL or empty if unknown.",
    "is_remote": "Whether the sessions ran remotely; NULL before August 2026.",
    "is_active": "Whether any measure is above zero.",
    "is_final": "Whether the newest fetch was at least six hours after the day's end.",
    "is_complete": "Whether all days of the period are loaded and final.",
    "acceptance_rate": "accepted / (accepted + rejected), over rows that report both.",
    "cache_read_share": "Cache reads / (input + cache reads + cache creation), in tokens.",
    "cost_coverage": "Sessions of records with a cost in US dollars / all sessions, of customer type api.",
    "has_cost": "Whether the record reports a cost in US dollars.",
    "week": "Monday of the ISO week.",
    "month": "First day of the month.",
    "model": "Model id as the API sends it.",
}


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        name: Name in the warehouse.
        grain: Columns that identify a row, beside `organization_id`; none where no columns do.
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

    @cached_property
    def sources(self) -> frozenset[str]:
        """Tables and views that it reads."""
        return frozenset(table.name for table in parse_one(self.select, read=DIALECT).find_all(exp.Table))

    @property
    def meanings(self) -> dict[str, str]:
        """By column, in order of the SELECT, its meaning."""
        known = COLUMNS | self.columns
        return {name: known[name] for name in parse_one(self.select, read=DIALECT, into=exp.Select).named_selects}

    @property
    def comment(self) -> str:
        """Description, grain and caveat, as the warehouse shows them."""
        grain = f"One row per organization, {', '.join(self.grain)}." if self.grain else ""
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
    View("claude_code_actor_days", ("date", "actor_type", "actor"), "What each person and key did on each day."),
    View(
        "claude_code_active_actors",
        ("date", "actor_type"),
        "People and keys that were active on the day, in 7 and in 28 days that end with it.",
        f"Distinct counts cannot be added. NULL where identities are dropped. {SIGN_INS_MISSING}",
        columns={
            f"active_{days}d": f"Distinct actors active {span}."
            for days, span in ((1, "on the day"), (7, "in the 7 days up to it"), (28, "in the 28 days up to it"))
        }
        | {"window_complete": "Whether all 28 days are loaded and final."},
    ),
    View(
        "claude_code_organization_days",
        ("date", "actor_type"),
        "All measures of each loaded day, of people and of keys; 0 where they have no record.",
        "Days that are not loaded have no row. Other actor types have rows where they occur.",
    ),
    View(
        "claude_code_organization_weeks",
        ("week", "actor_type"),
        "Active, new, retained, returning and lapsed actors of each ISO week, with all measures.",
        "Lapsed people may be on holiday. New means first loaded, not first ever: NULL in the first four weeks. Counts "
        "are NULL where identities are dropped, and for actor types other than people and keys.",
        columns={
            "active_actors": "Actors active in the week.",
            "new_actors": "Actors whose first active week is this one.",
            "retained_actors": "Actors active this week and the week before; NULL unless both weeks are complete.",
            "returning_actors": "Actors active this week, not the week before, and not new; NULL unless both weeks are "
            "complete.",
            "lapsed_actors": "Actors active the week before and not this week; NULL unless both weeks are complete.",
        },
    ),
    View(
        "claude_code_organization_months",
        ("month", "actor_type"),
        "Active actors of each calendar month, with all measures.",
        "The count is NULL where identities are dropped, and for actor types other than people and keys.",
        columns={"active_actors": "Actors active in the month."},
    ),
    View(
        "claude_code_actor_months",
        ("month", "actor_type", "actor"),
        "What each person and key did in each calendar month.",
        columns={"active_days": "Active days in the month; NULL where identities are dropped."},
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
            "cohort_people": "People of the cohort whose week is loaded; NULL where earlier identities are dropped.",
            "active_people": "Those active in that week; NULL where identities of that week are dropped.",
            "retention": "active_people / cohort_people.",
        },
    ),
    View(
        "claude_code_actors",
        ("actor_type", "actor"),
        "Each person and key: first and last day, measures of all days and of the last 28 days (_28d).",
        "The last 28 days end with the newest final day. usage_level compares people of this organization with each "
        "other: about a quarter is always heavy.",
        columns={
            "first_day": "First active day.",
            "last_day": "Last active day.",
            "active_days_28d": "Active days in the last 28 days; NULL where identities are dropped.",
            "usage_level": "heavy, moderate, light, minimal or none, by sessions of the last four complete weeks; NULL "
            "under eight people, and for keys.",
        }
        | {f"{name}_28d": f"{name} of the last 28 days." for name in MEASURES},
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
        ("date", "actor_type", "customer_type", "model", "currency"),
        "Tokens and estimated cost by model.",
        "Never add currencies. The amounts in US dollars are NULL in other currencies.",
        columns={
            "currency": "Currency of the amount.",
            "amount": "Estimated cost in the currency's minor unit, as the API sends it: cents of a US dollar.",
            "price_per_mtok": "US dollars per million tokens of all four kinds: a blend that moves with the cache "
            "share. NULL in other currencies.",
        },
    ),
    View(
        "claude_code_mix_days",
        ("date", "actor_type", "customer_type", "subscription_type", "terminal_type", "is_remote"),
        "All measures by customer type, subscription, terminal and remote or local.",
        "A person appears in several rows.",
    ),
    View(
        "claude_code_costs",
        (),
        "Estimated cost in US dollars, one row for each model of each record.",
        "A cost in another currency is NULL here.",
    ),
)
