"""Expected and actual contents of a warehouse, as comparable values by day, over the three record tables.

Each response is kept under the request-id of its last page. The ledger has that id for each fetch, so the promise can
be checked to the letter: a day holds what its newest fetch in the ledger returned.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx

from claude_code_simulator import SimulatedApi

REPORT_PATH = "/v1/organizations/usage_report/claude_code"
USAGE = "claude_code_usage"
TOOLS = f"{USAGE}__tool_actions"
MODELS = f"{USAGE}__model_breakdown"
LEDGER = "claude_code_days"
RECORD_TABLES = (USAGE, TOOLS, MODELS)
TABLES = (*RECORD_TABLES, LEDGER)

PLACES = (
    "organization_id",
    "actor.type",
    "actor.email_address",
    "actor.api_key_name",
    "customer_type",
    "subscription_type",
    "terminal_type",
    "is_remote",
    "core_metrics.num_sessions",
    "core_metrics.lines_of_code.added",
    "core_metrics.lines_of_code.removed",
    "core_metrics.commits_by_claude_code",
    "core_metrics.pull_requests_by_claude_code",
)
_MODEL_PLACES = (
    "model",
    "tokens.input",
    "tokens.output",
    "tokens.cache_read",
    "tokens.cache_creation",
    "estimated_cost.currency",
    "estimated_cost.amount",
)

Day = list[str]
"""Records of a day with all their values, as sorted text."""

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
"""Rows by table, as a warehouse gives them back: dates, exact numbers, aware times, JSON decoded."""


# What decoding a fault's body raises.
_NO_PAGE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    httpx.StreamError,
)


class RecordingApi(SimulatedApi):
    """A simulated API that keeps its responses.

    Args:
        *arguments: Those of `SimulatedApi`, like the other options.
        places: The values of a record that are kept; those of its breakdowns all are.
        as_stored: Turns a record into what a load stores of it.

    Attributes:
        responses: By the request-id of their last page, the requested day and its records.
        last: By day, the request-id of its last whole response.
        returned_at: By request-id, the time of the response.
    """

    def __init__(
        self,
        *arguments: Any,
        places: Sequence[str] = PLACES,
        as_stored: Callable[[dict[str, Any]], dict[str, Any]] = lambda record: record,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self.places = places
        self._as_stored = as_stored
        self.responses: dict[str, tuple[dt.date, Day]] = {}
        self.last: dict[dt.date, str] = {}
        self.returned_at: dict[str, dt.datetime] = {}
        self._before: dict[str, list[dict[str, Any]]] = {}
        self._writing = threading.Lock()

    def handle(self, request: httpx.Request, **options: Any) -> httpx.Response:
        response = super().handle(request, **options)
        if request.url.path == REPORT_PATH and response.status_code == 200:
            try:
                page = json.loads(response.content, parse_float=Decimal)
                self._keep(request.url.params, page, response.headers["request-id"])
            except _NO_PAGE:
                pass  # a fault: no client can take it for a page
        return response

    def remember(self, other: RecordingApi) -> None:
        """Takes over the responses of another API."""
        self.responses |= other.responses
        self.last |= other.last
        self.returned_at |= other.returned_at

    def _keep(self, params: Mapping[str, str], page: dict[str, Any], request_id: str) -> None:
        with self._writing:
            records = [*self._before.get(params.get("page", ""), []), *page["data"]]
            if page["next_page"]:
                self._before[page["next_page"]] = records
                return
            day = dt.date.fromisoformat(params["starting_at"])
            self.responses[request_id] = day, as_returned([self._as_stored(record) for record in records], self.places)
            self.last[day] = request_id
            self.returned_at[request_id] = self.clock()


def as_returned(records: Iterable[dict[str, Any]], places: Sequence[str] = PLACES) -> Day:
    """Returns the records of a day as comparable text."""
    return sorted(
        _text(
            [_at(each, place) for place in places],
            [
                (number, name, counts["accepted"], counts["rejected"])
                for number, (name, counts) in enumerate(sorted(each["tool_actions"].items()))
            ],
            [
                (number, *(_at(model, place) for place in _MODEL_PLACES))
                for number, model in enumerate(each["model_breakdown"])
            ],
        )
        for each in records
    )


class Contents:
    """Contents of a warehouse; `places` are the values of a record that are compared.

    Attributes:
        days: By day, its records as comparable text.
        ledger: By day, the request-id of its last fetch.
        fetches: Number of ledger rows.
        rows: Rows by table.
        orphans: Rows of a breakdown without a record of their day and organization: table, id and day.
        doubles: Rows that are there more than once: table, id and day.
    """

    def __init__(self, tables: Tables, places: Sequence[str] = PLACES) -> None:
        tables = {name: tables.get(name, ()) for name in TABLES}
        self.rows = {name: len(rows) for name, rows in tables.items()}
        records = {row["_dlt_id"]: row for row in tables[USAGE]}
        ids = Counter((name, row["_dlt_id"], row["date"]) for name in RECORD_TABLES for row in tables[name])
        self.doubles = [place for place, count in ids.items() if count > 1]
        self.orphans: list[tuple[str, str, dt.date]] = []
        children: dict[str, defaultdict[str, list[Any]]] = {TOOLS: defaultdict(list), MODELS: defaultdict(list)}
        wanted = {
            TOOLS: ("_dlt_list_idx", "tool_name", "accepted", "rejected"),
            MODELS: ("_dlt_list_idx", *(_column(place) for place in _MODEL_PLACES)),
        }
        for table, columns in wanted.items():
            for row in tables[table]:
                parent = records.get(row["_dlt_parent_id"], {})
                if any(parent.get(key) != row[key] for key in ("date", "organization_id")):
                    self.orphans.append((table, row["_dlt_id"], row["date"]))
                children[table][row["_dlt_parent_id"]].append(tuple(row[column] for column in columns))
        self.days: dict[dt.date, Day] = {}
        for record_id, row in records.items():
            self.days.setdefault(row["date"], []).append(
                _text(
                    [row.get(_column(place)) for place in places],
                    sorted(children[TOOLS][record_id]),
                    sorted(children[MODELS][record_id], key=lambda model: model[0]),
                )
            )
        for day in self.days.values():
            day.sort()
        entries = sorted(tables[LEDGER], key=lambda entry: (entry["fetched_at"], entry["_dlt_load_id"]))
        self.ledger: dict[dt.date, str] = {entry["date"]: entry["request_id"] for entry in entries}
        self.fetches = len(entries)


def wrong_days(contents: Contents, api: RecordingApi) -> dict[dt.date, str]:
    """Returns the days that are not as their newest fetch returned them, each with the reason."""
    wrong = {day: "rows without their record" for _, _, day in contents.orphans}
    wrong |= {day: "rows doubled" for _, _, day in contents.doubles}
    for day in contents.days.keys() | contents.ledger.keys():
        requested, returned = api.responses.get(contents.ledger.get(day, ""), (None, []))
        held = contents.days.get(day, [])
        if requested != day:
            wrong[day] = f"no ledger row of a response for this day, but one for {requested}"
        elif held != returned:
            lost, more = [row for row in returned if row not in held], [row for row in held if row not in returned]
            wrong[day] = f"{len(held)} of {len(returned)} records; lost: {lost[:2]}; too many: {more[:2]}"
    return wrong


def _column(place: str) -> str:
    return place.replace(".", "__")


def _at(value: Any, place: str) -> Any:
    for key in place.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(*parts: Any) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {key: plain(item) for key, item in sorted(value.items())}
        if isinstance(value, float):
            value = Decimal(repr(value))
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            exact = f"{Decimal(value):f}"  # normalize() would round to 28 digits
            return exact.rstrip("0").rstrip(".") if "." in exact else exact
        return value

    return json.dumps(plain(parts), ensure_ascii=False)
