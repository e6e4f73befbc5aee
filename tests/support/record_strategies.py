"""Hypothesis strategies for records, as documented and with anything anywhere, and the scalars that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from hypothesis import strategies as st

from claude_code_simulator import OMITTED, SAMPLE_ORGANIZATION_ID, model_usage, record
from support.shaped_days import DAY

texts = st.text(max_size=12)
counts = st.integers(0, 2**63 - 1)
maybe = st.one_of(counts, st.none())
amounts = st.one_of(st.integers(0, 10**28), st.floats(0, 1e12), st.decimals(0, 10**9, places=4).map(str))

models = st.builds(
    model_usage,
    model=texts,
    input=counts,
    output=maybe,
    cache_read=counts,
    cache_creation=counts,
    cents=amounts,
    currency=st.sampled_from(["USD", "EUR"]),
)
documented_records = st.builds(
    record,
    st.just(DAY),
    email=texts,
    api_key=st.one_of(st.none(), texts),
    customer_type=st.sampled_from(["api", "subscription"]),
    subscription_type=st.sampled_from([None, OMITTED, "team", "enterprise"]),
    terminal_type=st.one_of(st.none(), texts),
    is_remote=st.sampled_from([True, False, OMITTED]),
    sessions=counts,
    added=counts,
    removed=maybe,
    commits=counts,
    pull_requests=counts,
    tools=st.dictionaries(texts, st.tuples(counts, maybe), max_size=4),
    models=st.lists(models, max_size=3),
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
keys = st.one_of(
    texts,
    st.sampled_from(
        ["type", "date", "value", "v_text", "organization_id", "twoNames", "two_names", "_dlt_id", "accepted"]
    ),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
PLACES: tuple[tuple[str, ...], ...] = (
    ("actor",),
    ("actor", "email_address"),
    ("customer_type",),
    ("is_remote",),
    ("core_metrics",),
    ("core_metrics", "num_sessions"),
    ("core_metrics", "lines_of_code"),
    ("core_metrics", "lines_of_code", "added"),
    ("tool_actions",),
    ("tool_actions", "edit_tool"),
    ("tool_actions", "edit_tool", "accepted"),
    ("model_breakdown",),
    ("model_breakdown", "0"),
    ("model_breakdown", "0", "model"),
    ("model_breakdown", "0", "tokens"),
    ("model_breakdown", "0", "estimated_cost", "amount"),
    ("organization_id",),
    ("date",),
)


@st.composite
def odd_records(draw: st.DrawFn) -> dict[str, Any]:
    """A record with anything in some of its places, and with unknown fields."""
    built = record(DAY, email=draw(texts))
    for place in draw(st.lists(st.sampled_from(PLACES), max_size=3, unique=True)):
        inside: Any = built
        for key in place[:-1]:
            if isinstance(inside, dict):
                inside = inside.get(key)
            else:
                inside = inside[0] if isinstance(inside, list) and inside and key == "0" else None
        if isinstance(inside, dict):
            inside[place[-1]] = draw(anything)
        elif isinstance(inside, list) and inside and place[-1] == "0":
            inside[0] = draw(anything)
    for inside in (built, built.get("core_metrics"), built.get("actor")):
        if isinstance(inside, dict):
            for key, value in draw(st.dictionaries(keys, anything, max_size=2)).items():
                inside.setdefault(key, value)
    return built


def leaf(value: Any) -> str:
    """A scalar as text that does not tell a number from the text of that number."""
    if isinstance(value, bool):
        return str(value)
    text = repr(value) if isinstance(value, float) else str(value)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return (f"{number.normalize():f}" if number else "0") if number.is_finite() else text


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    elif value is not None:
        yield leaf(value)


def sent_leaves(built: dict[str, Any]) -> Iterator[str]:
    """The scalars of a record but its day and organization, which the connector writes itself."""
    for key, value in built.items():
        expected = isinstance(value, str) and (
            (key == "organization_id" and value.lower() in ("", SAMPLE_ORGANIZATION_ID))
            or (key == "date" and value.startswith(str(DAY)))
        )
        if not expected:
            yield from leaves(value)
