"""Additions of `status` to the proof: cost so far this month, and the customer types that appear."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import dlt

from .reader import open_reader

_MONTH = """
    SELECT r.organization_id, r.customer_type,
        SUM(COALESCE(r.api_cost_usd, r.subscription_value_usd, r.other_cost_usd)) AS cost
    FROM claude_code_model_days AS r
    WHERE r.date >= @first AND r.date <= @last
    GROUP BY r.organization_id, r.customer_type
    ORDER BY r.organization_id, r.customer_type"""
_TYPES = """
    SELECT r.organization_id, r.customer_type, COUNT(*) AS records
    FROM claude_code_usage AS r
    GROUP BY r.organization_id, r.customer_type
    ORDER BY r.organization_id, r.customer_type"""


@dataclass(frozen=True)
class Pulse:
    """Cost and customer types of one organization.

    Attributes:
        month: First day of the month.
        costs: By customer type, the estimated cost since then, in US dollars.
        records: By customer type, all records.
    """

    month: dt.date
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    records: Mapping[str, int] = field(default_factory=dict)


def read_pulses(pipeline: dlt.Pipeline, today: dt.date) -> dict[str, Pulse]:
    """Reads cost and customer types of each organization.

    Args:
        pipeline: A pipeline that knows the schema of the tables.
        today: The UTC day.

    Raises:
        DestinationError: The warehouse cannot be queried.
    """
    month = today.replace(day=1)
    with open_reader(pipeline) as reader:
        costs = reader.rows(_MONTH, first=month, last=today)
        types = reader.rows(_TYPES)
    return {
        name: Pulse(
            month,
            {
                row["customer_type"] or "": row["cost"]
                for row in costs
                if row["organization_id"] == name and row["cost"]
            },
            {row["customer_type"] or "": row["records"] for row in types if row["organization_id"] == name},
        )
        for name in {row["organization_id"] for row in types}
    }
