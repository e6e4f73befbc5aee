"""Explanations shared by page, terminal and documentation: kinds of days, customer types, gaps of the API."""

from __future__ import annotations

from .queries import LIST_VALUE
from .tables import Table

# Kinds of days, as the proof finds them.
DAY_KINDS = {
    "held": "loaded, final, and exactly what the API returned",
    "changed": "as held; the API changed the day after it was final",
    "partial": "loaded before it was final; the next load reads it again",
    "inconsistent": "not what its newest fetch returned; the next load reads it again",
    "missing": "final, and never loaded",
}

LIST_VALUE_IS = "use of subscriptions at list prices, billed to nobody and never added to the cost"
_COLUMNS = {
    LIST_VALUE: f"List value: {LIST_VALUE_IS}.",
    "billing": "Billing: by use (cost), or part of a seat (list value).",
}

# What a customer type means for the reader of a number.
CUSTOMER_TYPES = {
    "api": "billed by use",
    "subscription": "list value, nobody is billed for it",
}

SUBSCRIPTIONS_MISSING = "People who sign in with a Claude subscription are reported to be missing."
# The same beside a number of people, where there is no room for more.
SIGN_INS_MISSING = "Sign-ins with a subscription may be missing from the API."

# Use that the API does not report (its documentation, and issues of its users).
UNREPORTED_USE = (
    "Use on Amazon Bedrock, Google Cloud, Microsoft Foundry and Claude Platform on AWS is not in the API.",
    SUBSCRIPTIONS_MISSING,
    "Claude Enterprise organizations have an API of their own.",
)
LEFT_OUT = (
    *UNREPORTED_USE,
    "Days are UTC days: an evening in America falls on the next day.",
    "The API knows proposed edits only, no other tools, and no seats or members.",
    "Costs are the API's estimate, not an invoice.",
)


def column_notes(table: Table) -> list[str]:
    """Returns what the reader of a table has to know of the columns that it shows."""
    return [_COLUMNS[column.key] for column in table.shown().columns if column.key in _COLUMNS]
