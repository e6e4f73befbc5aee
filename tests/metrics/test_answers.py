"""The questions of a manager, each asked with one command; the truth is plain Python over raw records."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from click.testing import CliRunner, Result

from claude_code_analytics.dates import DayRange
from claude_code_pipelines.cli import commands
from claude_code_pipelines.metrics.tables import Kind, rounded, signed
from claude_code_simulator import ScriptedOrganization, model_usage, record
from metrics.awkward import KEYS, PEOPLE, awkward_days
from metrics.views_in_python import KEY, USER, add, cents, monday, shaped, share
from support.world import TODAY, World

Row = dict[str, Any]

ORGANIZATION = "11111111-0000-4000-8000-000000000001"
FIRST, LAST = dt.date(2026, 5, 1), TODAY - dt.timedelta(days=1)
GONE, SPIKE = "gone@example.test", dt.date(2026, 9, 7)
DAY = dt.timedelta(days=1)
PERIOD = DayRange(LAST - 27 * DAY, LAST)
BEFORE = DayRange(PERIOD.first - 28 * DAY, PERIOD.first - DAY)
TEAMS = {person: ("one", "two", "three")[number % 3] for number, person in enumerate(PEOPLE[:-2])}


def organization() -> ScriptedOrganization:
    """An awkward organization: one person stops in August, and a key runs wild for a week in September."""
    days = awkward_days(FIRST, TODAY, ORGANIZATION, 5)
    for day, records in days.items():
        if day < dt.date(2026, 8, 15):
            records.append(record(day, email=GONE, models=[model_usage("claude-sonnet-5", cents=12)]))
        if SPIKE <= day < SPIKE + 7 * DAY:
            records.append(record(day, api_key="ci", models=[model_usage("claude-opus-5", cents=90_000)]))
    return ScriptedOrganization(days, id=ORGANIZATION)


_loaded: list[Path] = []


@pytest.fixture
def world(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The organization, loaded once."""
    found = World(tmp_path, organization=organization(), database=tmp_path / "claude_code_analytics.duckdb")
    (tmp_path / "teams.csv").write_text("\n".join(["email,team", *map(",".join, TEAMS.items()), "never@x.test,one"]))
    if _loaded:
        shutil.copy(_loaded[0], found.database)
        found.pipeline.sync_destination()
        return found
    found.backfill(FIRST, TODAY, window_days=200)
    _loaded.append(Path(shutil.copy(found.database, tmp_path_factory.mktemp("answers"))))
    return found


def run(world: World, command: str) -> Result:
    return CliRunner().invoke(commands, command.split(), obj=world.client())


def ask(world: World, command: str) -> Any:
    """Runs a command, and returns its answer as JSON."""
    result = run(world, f"{command} --json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def told(world: World, command: str) -> str:
    """Runs a command, and returns what it prints as one line."""
    return " ".join(run(world, command).stdout.split())


# The truth


def within(world: World, days: Iterable[dt.date], **having: Any) -> list[Row]:
    """The records of some days that have some values."""
    found = ({"date": day, **shaped(each)} for day in days for each in world.organization.days.get(day, ()))
    return [row for row in found if all(row[name] == value for name, value in having.items())]


def people_in(rows: Iterable[Row]) -> set[str]:
    return {row["actor"] for row in rows if row["actor_type"] == USER and row["is_active"]}


def cost(rows: Iterable[Row]) -> Decimal:
    return add(row["api_cost_usd"] for row in rows) or Decimal(0)


def costs_by(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, Decimal]:
    found: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[key(row)] += row["api_cost_usd"] or 0
    return dict(found)


def days(first: str, last: str) -> list[dt.date]:
    return DayRange(dt.date.fromisoformat(first), dt.date.fromisoformat(last)).days()


def column(answer: Any, key: str) -> dict[str, Any]:
    """A column of the table by its first one; money as it is."""
    first = answer["by"].partition(",")[0]
    money = key.endswith("_usd") or key[:4].isdigit()
    return {
        row[first]: Decimal(row[key]) if money and isinstance(row[key], str) else row.get(key) for row in answer["rows"]
    }


# The questions


def test_people_of_this_month_and_of_the_month_before(world: World) -> None:
    found = ask(world, "summary --month 2026-09")["headlines"]["active_people"]
    now, before = (people_in(within(world, days(*each))) for each in (SEPTEMBER, SAME_OF_AUGUST))
    assert found == {"value": len(now), "before": len(before), "change": pytest.approx(len(now) / len(before) - 1)}


SEPTEMBER, SAME_OF_AUGUST = ("2026-09-01", "2026-09-19"), ("2026-08-01", "2026-08-19")


def test_the_ten_most_expensive_people(world: World) -> None:
    rows = within(world, PERIOD.days(), actor_type=USER)
    costs = costs_by(rows, lambda row: row["actor"])
    expected = sorted(costs.items(), key=lambda item: (-item[1], item[0]))[:10]
    found = [
        (row["person"], Decimal(row["api_cost_usd"])) for row in ask(world, "summary --by person --top 10")["rows"]
    ]
    assert found[:10] == expected
    others = len(people_in(rows)) - 10
    assert [name for name, _ in found[10:]] == [f"({others} others)", "(API keys)", ROBOTS]


def test_the_cost_of_each_team_in_a_quarter(world: World) -> None:
    rows = within(world, days("2026-06-01", "2026-08-31"))
    found = ask(world, "summary --start 2026-06-01 --end 2026-08-31 --by team --team-map teams.csv")
    rest = {KEY: "(API keys)", USER: "(no team)"}

    def team(row: Row) -> str:
        return TEAMS.get(row["actor"], rest[USER]) if row["actor_type"] == USER else rest.get(row["actor_type"], ROBOTS)

    assert column(found, "api_cost_usd") == costs_by(rows, team)
    for name in ("one", "two", "three"):
        assert column(found, "active_people")[name] == len(people_in(row for row in rows if team(row) == name))


ROBOTS = "(other actors)"


def test_the_cost_of_each_model_by_month(world: World) -> None:
    found = ask(world, "summary --start 2026-06-01 --end 2026-08-31 --by model,month")
    for month in ("2026-06", "2026-07", "2026-08"):
        expected: dict[str, Decimal] = defaultdict(Decimal)
        for row in within(world, days("2026-06-01", "2026-08-31"), customer_type="api"):
            for model in row["models"] if f"{row['date']:%Y-%m}" == month else ():
                if model["estimated_cost"]["currency"] == "USD":
                    expected[model["model"]] += (cents(model) or Decimal(0)) / 100
        assert {name: value or 0 for name, value in column(found, month).items()} == expected


def test_the_acceptance_of_each_tool_by_month(world: World) -> None:
    found = ask(world, "summary --start 2026-06-01 --end 2026-08-31 --by tool,month")
    for month in ("2026-06", "2026-08"):
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for row in within(world, days("2026-06-01", "2026-08-31"), actor_type=USER):
            for name, accepted, rejected in row["tools"] if f"{row['date']:%Y-%m}" == month else ():
                if accepted is not None and rejected is not None:
                    counts[name][0] += accepted
                    counts[name][1] += accepted + rejected
        expected = {name: pytest.approx(share(*parts)) for name, parts in counts.items()}
        assert {name: rate for name, rate in column(found, month).items() if name[0] != "("} == expected


def test_who_stopped(world: World) -> None:
    look_back = DayRange(PERIOD.first - 56 * DAY, PERIOD.first - DAY).days()
    stopped = people_in(within(world, look_back)) - people_in(within(world, PERIOD.days()))
    found = {row["person"]: row for row in ask(world, "summary")["who_stopped"]}
    assert GONE in stopped
    assert found.keys() == stopped
    assert found[GONE]["last_day"] == "2026-08-14"
    assert found[GONE]["sessions_before"] == add(row["sessions"] for row in within(world, look_back, actor=GONE))


def test_who_has_a_seat_and_does_not_use_it(world: World) -> None:
    answer = ask(world, "summary --team-map teams.csv --seats 20 --seat-price 30")
    subscribed = within(world, PERIOD.days(), actor_type=USER, customer_type="subscription")
    assert [row["person"] for row in answer["who_stopped"] if row["state"] == "never active"] == ["never@x.test"]
    assert answer["seats"]["used"] == len({row["actor"] for row in subscribed})
    assert float(answer["seats"]["price"]) == pytest.approx(20 * 30 * 12 / 365 * 28)
    assert Decimal(answer["seats"]["list_value"]) == add(row["subscription_value_usd"] for row in subscribed)
    assert "the number of seats given is too small" in told(world, "summary --seats 1")


def test_what_a_commit_and_a_pull_request_cost_and_whether_that_improves(world: World) -> None:
    found = ask(world, "summary --month 2026-08")["headlines"]
    for key, measure in (("cost_per_commit", "commits"), ("cost_per_pr", "pull_requests")):
        now, before = (
            share(cost(rows), add(row[measure] for row in rows))
            for rows in (
                [row for row in within(world, each, actor_type=USER) if row["api_cost_usd"] is not None]
                for each in (days("2026-08-01", "2026-08-31"), days("2026-07-01", "2026-07-31"))
            )
        )
        assert found[key]["value"] == pytest.approx(now)
        assert found[key]["change"] == pytest.approx(now / before - 1)


def test_the_two_numbers_that_make_the_cost_of_one_stand_beside_it(world: World) -> None:
    billed = [row for row in within(world, PERIOD.days(), actor_type=USER) if row["api_cost_usd"] is not None]
    truth = {
        "billed_people": len(people_in(billed)),
        **{f"billed_{name}": add(row[name] for row in billed) for name in ("sessions", "commits", "pull_requests")},
    }
    answer, text = ask(world, "summary")["headlines"], told(world, "summary")
    assert {name: answer[name]["value"] for name in truth} == truth
    assert Decimal(answer["people_cost_usd"]["value"]) == cost(billed)
    for key, label, per in (
        ("cost_per_active_person", "Cost of a person", "billed_people"),
        ("cost_per_commit", "Cost of a commit", "billed_commits"),
        ("cost_per_pr", "Cost of a PR", "billed_pull_requests"),
    ):
        assert answer[key]["value"] == pytest.approx(float(cost(billed)) / truth[per])
        one, whole = (rounded(each, Kind.MONEY) for each in (answer[key]["value"], cost(billed)))
        assert re.search(rf"{label} \{one}[^(]* \(\{whole} / {truth[per]:,} {per.replace('_', ' ')}\)", text), text


def test_a_difference_of_cost_is_said_to_be_of_keys_or_of_people_and_the_key_is_named(world: World) -> None:
    week, before = (DayRange(first, first + 6 * DAY).days() for first in (SPIKE, SPIKE - 7 * DAY))

    def difference(**who: Any) -> str:
        return signed(cost(within(world, week, **who)) - cost(within(world, before, **who)))

    keys, people, ci = difference(actor_type=KEY), difference(actor_type=USER), difference(actor="ci")
    text = told(world, f"summary --start {SPIKE} --end {SPIKE + 6 * DAY}")
    assert f"in the 7 days before: keys {keys} (ci {ci}), people {people}" in text
    costs = (rounded(cost(within(world, each, actor="ci")), Kind.MONEY) for each in (before, week))
    assert f"Changed most API key ci {' to '.join(costs)} ({ci}, new)" in text


def test_a_month_that_has_just_ended_has_its_own_end(world: World) -> None:
    world.clock.move(days=11)  # it is 1 October
    world.backfill(TODAY, dt.date(2026, 9, 29))
    answer, text = ask(world, "summary"), told(world, "summary")
    september, october = answer["ended_month"], answer["running_month"]
    assert (september["month"], september["days"], october["month"], october["days"]) == ("2026-09", 29, "2026-10", 0)
    for month, first in ((september, "cost"), (None, "cost_before")):
        these = days("2026-09-01", "2026-09-29") if month else days("2026-08-01", "2026-08-29")
        assert Decimal(september[first]) == cost(within(world, these))
    same_weekdays = [dt.date(2026, 9, 30) - 7 * DAY * number for number in range(1, 5)]
    left = cost(within(world, same_weekdays)) / 4
    assert Decimal(september["projection"]["cost"]) == Decimal(september["cost"]) + left
    for name, month, made_of in (
        ("September", september, "29 final days, and 1 more at"),
        ("October", october, "all 31 days at"),
    ):
        end = rounded(Decimal(month["projection"]["cost"]), Kind.MONEY)
        assert re.search(rf"End of {name} \{end} \([^)]*\): {made_of} the pace of the last 28 final days", text), text
    text = told(world, "summary --month 2026-09")
    assert "; of 30 days, 1 is not loaded Jump" in text
    assert "End of September" in text
    assert "October" not in text

    world.backfill(dt.date(2026, 9, 30), dt.date(2026, 9, 30))
    text, whole = told(world, "summary"), cost(within(world, days("2026-09-01", "2026-09-30")))
    assert f"September {rounded(whole, Kind.MONEY)} on all 30 days" in text
    assert "End of September" not in text
    assert "End of October" in text
    assert ask(world, "summary --month 2026-09")["ended_month"] is None, "the period says it"


@pytest.mark.parametrize(
    ("by", "title", "total"),
    [("key", "Of keys' cost", "–"), ("person", "Of people's cost", "–"), ("model", "Of all cost", "100.00%")],  # noqa: RUF001
)
def test_it_is_said_of_what_a_share_is_and_the_total_fits_it(world: World, by: str, title: str, total: str) -> None:
    lines = [line.strip("| ").split(" | ") for line in run(world, f"summary --by {by} --markdown").stdout.splitlines()]
    (titles,) = [line for line in lines if title in line]
    (sums,) = [line for line in lines if line[0] == "Total"]
    assert dict(zip(titles, sums, strict=True))[title] == total


def test_people_are_marked_by_how_they_are_billed(world: World) -> None:
    rows = within(world, PERIOD.days(), actor_type=USER)
    billed = {row["actor"] for row in rows if row["api_cost_usd"] is not None}
    seated = {row["actor"] for row in rows if row["customer_type"] == "subscription"}
    marks = {(True, True): "both", (True, False): "by use", (False, True): "seat", (False, False): None}
    found = column(ask(world, "summary --by person"), "billing")
    expected = {person: marks[person in billed, person in seated] for person in people_in(rows)}
    assert {person: mark for person, mark in found.items() if person[0] != "("} == expected
    assert {mark for person, mark in found.items() if person[0] == "("} == {None}


def test_no_amount_vanishes_silently_and_list_value_is_said_to_be_billed_to_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for columns in ("60", "80", "160"):
        monkeypatch.setenv("COLUMNS", columns)
        text = told(world, "summary --by person")
        table = text.partition("By person")[2]
        assert "List value, not billed" in text
        assert "Cost" in table
        assert "List value" in table.partition("–")[0]  # noqa: RUF001
        assert "List value: use of subscriptions at list prices, billed to nobody and never added to the cost." in table
    monkeypatch.setenv("COLUMNS", "60")
    assert "No room for Active days, Sessions, " in told(world, "summary --by person")


def test_those_who_stopped_earlier_are_counted_where_no_list_has_them(tmp_path: Path) -> None:
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    first, look_back = LAST - 120 * DAY, PERIOD.first - 56 * DAY
    world.write_days(first, TODAY, email="ada@x.test")
    world.write(first, record(first, email="early@x.test"))
    world.write(look_back, record(look_back, email="late@x.test"))
    world.backfill(first, TODAY, window_days=200)
    text = told(world, "summary")
    assert f"1 person stopped earlier, before {look_back:%-d %B %Y}: --team-map FILE lists those that it has." in text
    assert "late@x.test" in text
    assert "early@x.test" not in text

    (tmp_path / "teams.csv").write_text("email,team\nada@x.test,one\nearly@x.test,one\n")
    text = told(world, "summary --team-map teams.csv")
    assert f"early@x.test one {first}" in text
    assert "1 person stopped" not in text


def test_where_this_month_ends(world: World) -> None:
    daily = costs_by(within(world, PERIOD.days()), lambda row: row["date"])
    so_far = sum((daily.get(day, 0) for day in days(*SEPTEMBER)), Decimal(0))
    weeks = [sum(daily.get(PERIOD.last - DAY * (7 * week + day), 0) for day in range(7)) for week in range(4)]
    left = sum(
        sum(daily.get(day, 0) for day in PERIOD.days() if day.weekday() == each.weekday()) / 4
        for each in days("2026-09-20", "2026-09-30")
    )
    answer = ask(world, "summary --budget 10000")
    month, text = answer["running_month"], run(world, "summary --budget 10000").stdout
    assert Decimal(month["cost"]) == so_far
    assert Decimal(month["projection"]["cost"]) == so_far + left
    mean = sum(weeks) / 4
    for key, week in (("low", min(weeks)), ("high", max(weeks))):
        assert float(month["projection"][key]) == pytest.approx(float(so_far + left * week / mean))
    same = cost(within(world, days(*SAME_OF_AUGUST)))
    assert month["change"] == pytest.approx(float(so_far / same) - 1)
    assert Decimal(month["whole_before"]) == cost(within(world, days("2026-08-01", "2026-08-31")))
    first = " ".join(text.partition("Period")[0].split())
    assert f"September so far {rounded(so_far, Kind.MONEY)} on 19 of 30 days, " in first
    assert f"from {rounded(same, Kind.MONEY)} on 1-19 August: keys " in first
    assert f"End of September {rounded(so_far + left, Kind.MONEY)} (" in first
    assert "19 final days, and 11 more at the pace of the last 28 final days (mean of each weekday)" in first
    assert f"; August was {rounded(Decimal(month['whole_before']), Kind.MONEY)} Budget, September " in first


def test_keys_against_people(world: World) -> None:
    rows = within(world, PERIOD.days())
    found = column(ask(world, "summary --by key"), "api_cost_usd")
    expected = {
        **costs_by((row for row in rows if row["actor_type"] == KEY), lambda row: row["actor"]),
        "(people)": cost(row for row in rows if row["actor_type"] == USER),
        ROBOTS: cost(row for row in rows if row["actor_type"] not in (KEY, USER)),
    }
    assert {name: value or 0 for name, value in found.items()} == expected


def test_what_changed_in_the_week_of_the_spike(world: World) -> None:
    week, before = (DayRange(first, first + 6 * DAY).days() for first in (SPIKE, SPIKE - 7 * DAY))
    answer = ask(world, f"summary --start {SPIKE} --end {SPIKE + 6 * DAY}")
    movers = {(row["kind"], row["name"]): Decimal(row["difference"]) for row in answer["movers"]}
    expected = cost(within(world, week, actor="ci")) - cost(within(world, before, actor="ci"))
    assert movers["API key", "ci"] == expected
    for kind in ("person", "API key", "model"):
        assert len([name for each, name in movers if each == kind]) <= 5

    (jump,) = answer["jumps"]
    weekly = costs_by(
        within(world, DayRange(SPIKE - 56 * DAY, SPIKE + 6 * DAY).days()), lambda row: monday(row["date"])
    )
    assert (jump["week"], Decimal(jump["cost"])) == (str(SPIKE), weekly[SPIKE])
    assert Decimal(jump["median"]) == median(weekly.get(SPIKE - 7 * DAY * number, 0) for number in range(1, 9))
    assert [(each["by"], each["name"], each["is_most"]) for each in jump["causes"]] == [
        ("key", "ci", True),
        ("model", "claude-opus-5", True),
    ]
    assert "most by API key ci" in told(world, "summary")


def test_a_jump_that_several_made_is_said_to_be_of_most_only_from_a_half_on(tmp_path: Path) -> None:
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    first = SPIKE - 10 * 7 * DAY
    for day in DayRange(first, TODAY).days():
        spent = 300 if SPIKE <= day < SPIKE + 7 * DAY else 100
        world.write(day, *(record(day, api_key=key, models=[model_usage("m", cents=spent)]) for key in "abc"))
    world.backfill(first, TODAY, window_days=90)
    (jump,) = ask(world, "summary --weeks 2")["jumps"]
    assert (jump["cost"], jump["median"]) == ("63", "21")
    assert [(each["name"], each["excess"], each["is_most"]) for each in jump["causes"]] == [
        ("a", "14", False),
        ("m", "42", True),
    ]
    assert "more than any other by API key a, most by model m" in told(world, "summary --weeks 2")


def test_all_rows_of_a_table_as_a_sheet(world: World) -> None:
    sheet = list(csv.DictReader(run(world, "summary --by person --csv").stdout.splitlines()))
    rows = ask(world, "summary --by person")["rows"]
    assert [row["person"] for row in sheet] == [row["person"] for row in rows]
    assert sum(Decimal(row["api_cost_usd"] or 0) for row in sheet) == cost(within(world, PERIOD.days()))


# Tables that add up


TABLES = ("person", "key", "team", "model", "tool", "terminal", "day", "week", "month")
CROSSED = ("person,week", "key,month", "team,week", "model,day")


@pytest.mark.parametrize("options", ["", " --top 2", " --month 2026-08", " --month 2026-09 --no-people"])
@pytest.mark.parametrize("by", TABLES)
def test_every_table_sums_to_the_whole(world: World, by: str, options: str) -> None:
    if by == "person" and "no-people" in options:
        return
    answer = ask(world, f"summary --by {by} --team-map teams.csv{options}")
    rows = within(world, DayRange(*(dt.date.fromisoformat(answer[each]) for each in ("first", "last"))).days())
    for key in ("api_cost_usd", "subscription_value_usd", "other_cost_usd"):
        if key in answer["rows"][0]:
            found = sum(filter(None, column(answer, key).values()), Decimal(0))
            assert found == (add(row[key] for row in rows) or 0)
            assert found == Decimal(answer["headlines"][key]["value"])
    counted = [row for row in rows if by not in ("day", "week", "month") or row["actor_type"] == USER]
    for key in ("sessions", "commits", "pull_requests", "accepted", "rejected"):
        if key in answer["rows"][0]:
            assert sum(filter(None, column(answer, key).values())) == add(row[key] for row in counted), key
    shares = [row["cost_share"] for row in answer["rows"] if row.get("cost_share") is not None]
    assert not shares or sum(shares) == pytest.approx(1)


OTHERS = ("(API keys)", "(people)", ROBOTS)


@pytest.mark.parametrize("by", CROSSED)
def test_every_column_of_a_table_by_periods_sums_to_that_period(world: World, by: str) -> None:
    span = by.partition(",")[2]
    answer = ask(world, f"summary --by {by} --team-map teams.csv")
    wholes = ask(world, f"summary --by {span}")["rows"]
    assert len(wholes) > 1
    for whole in wholes:
        found = sum(filter(None, column(answer, whole[span]).values()), Decimal(0))
        assert found == Decimal(whole["api_cost_usd"] or 0)


def test_the_total_stands_where_people_read_and_not_where_programs_do(world: World) -> None:
    for output in ("", " --markdown"):
        lines = run(world, f"summary --by person{output}").stdout.splitlines()
        assert [line for line in lines if line.lstrip("| ").startswith("Total")]
    for output in (" --csv", " --json"):
        assert "Total" not in run(world, f"summary --by person{output}").stdout


def test_tables_are_sorted_by_any_column_and_the_rest_stays_last(world: World) -> None:
    rows = ask(world, "summary --by person --sort commits --top 5")["rows"]
    assert [row["commits"] for row in rows[:5]] == sorted((row["commits"] for row in rows[:5]), reverse=True)
    assert [row["person"][0] for row in rows[5:]] == ["("] * 3
    names = [
        row["person"] for row in ask(world, "summary --by person --sort person")["rows"] if row["person"][0] != "("
    ]
    assert names == sorted(names)


def test_days_stand_in_order_of_time_unless_they_are_cut(world: World) -> None:
    rows = ask(world, "summary --by day")["rows"]
    assert [row["day"] for row in rows] == [str(day) for day in PERIOD.days()]
    dearest = sorted(rows, key=lambda row: -Decimal(row["api_cost_usd"] or 0))[:3]
    cut = ask(world, "summary --by day --top 3")["rows"]
    assert [row["day"] for row in cut] == [*(row["day"] for row in dearest), "(25 others)"]


# What is said of people, and of money


def around(tmp_path: Path, **who: Any) -> Iterator[list[Any]]:
    """The answers without and with somebody who works more than all others together."""
    for number, is_there in enumerate((False, True)):
        folder = tmp_path / str(number)
        folder.mkdir()
        days_of = awkward_days(LAST - 70 * DAY, TODAY, ORGANIZATION, 7)
        for day in days_of if is_there else ():
            days_of[day] += [
                record(day, sessions=500, commits=900, models=[model_usage("claude-opus-5", cents=10**6)], **who)
            ] * 2
        world = World(folder, organization=ScriptedOrganization(days_of, id=ORGANIZATION))
        world.backfill(LAST - 70 * DAY, TODAY, window_days=90)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(world.database))
            yield [ask(world, f"summary --by {by}") for by in ("person", "terminal", "day", "model")]


def test_a_key_that_does_all_the_work_moves_no_number_said_of_people(tmp_path: Path) -> None:
    (people, terminals, daily, _), (people_2, terminals_2, daily_2, _) = around(tmp_path, api_key="nightly")
    of_all = ("api_cost_usd", "subscription_value_usd", "other_cost_usd", "active_keys")
    for before, after in ((people, people_2), (terminals, terminals_2)):
        assert [row for row in before["rows"] if row[before["by"]] not in OTHERS] == [
            row for row in after["rows"] if row[after["by"]] not in OTHERS
        ]
        said = [
            {name: each for name, each in answer["headlines"].items() if name not in of_all and name[:4] != "key_"}
            for answer in (before, after)
        ]
        assert said[0] == said[1]
        assert before["who_stopped"] == after["who_stopped"]
    for before, after in zip(daily["rows"], daily_2["rows"], strict=True):
        for name in ("active_people", "sessions", "commits", "acceptance_rate"):
            assert before[name] == after[name]
    assert people["headlines"]["api_cost_usd"] != people_2["headlines"]["api_cost_usd"]


def test_subscribers_move_no_cost(tmp_path: Path) -> None:
    before, after = around(tmp_path, email=PEOPLE[1], customer_type="subscription")
    for one, two in zip(before, after, strict=True):
        names = [
            name for name in one["headlines"] if name.startswith(("api_cost", "other_cost", "key_cost", "cost_per"))
        ]
        assert len(names) > 5
        for name in names:
            assert one["headlines"][name] == two["headlines"][name], name
        for key in ("api_cost_usd", "price_per_mtok", "cost_share"):
            costs = [{name: each for name, each in column(answer, key).items() if each} for answer in (one, two)]
            assert costs[0] == costs[1], key
        assert one["running_month"] == two["running_month"]
    assert column(before[2], "api_cost_usd") == column(after[2], "api_cost_usd")
    assert before[0]["headlines"]["subscription_value_usd"] != after[0]["headlines"]["subscription_value_usd"]


def test_a_day_without_a_billed_record_costs_nothing_and_one_without_an_amount_is_not_known(tmp_path: Path) -> None:
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    world.write(LAST - 3 * DAY, record(LAST - 3 * DAY))
    world.write(LAST - 2 * DAY)
    world.write(LAST - DAY, record(LAST - DAY, customer_type="subscription"))
    world.write(LAST, record(LAST, models=[model_usage("m", cents=None)]))
    world.backfill(LAST - 3 * DAY, LAST)
    costs = column(ask(world, "summary --by day"), "api_cost_usd")
    assert [costs[str(LAST - number * DAY)] for number in (2, 1, 0)] == [0, 0, None]
    assert costs[str(LAST - 4 * DAY)] is None, "it is not loaded"


# Periods


def test_a_month_is_compared_with_the_month_before_though_it_is_longer(world: World) -> None:
    answer = ask(world, "summary --month 2026-07")
    assert (answer["first"], answer["last"]) == ("2026-07-01", "2026-07-31")
    assert answer["compared_with"] == {"first": "2026-06-01", "last": "2026-06-30", "is_complete": True}
    assert answer["running_month"] is None, "a past month shows its sum"


def test_weeks_are_complete_and_begin_on_monday(world: World) -> None:
    answer = ask(world, "summary --weeks 2")
    assert (answer["first"], answer["last"]) == ("2026-08-31", "2026-09-13")
    assert answer["compared_with"]["first"] == "2026-08-17"


def test_a_gap_in_the_running_month_is_left_out_of_both_months(tmp_path: Path) -> None:
    gap = dt.date(2026, 9, 8)
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    world.write_days(dt.date(2026, 7, 1), TODAY)
    world.backfill(dt.date(2026, 7, 1), gap - DAY, window_days=90)
    world.backfill(gap + DAY, TODAY)
    answer = ask(world, "summary --month 2026-09")
    assert answer["headlines"]["sessions"] == {"value": 3 * 18, "before": 3 * 18, "change": 0}
    assert "Day 8 is left out of both months" in told(world, "summary --month 2026-09")
    whole = ask(world, "summary")
    assert whole["is_complete"] is False
    assert whole["headlines"]["sessions"]["change"] is None
    assert whole["running_month"]["projection"] is None


def test_the_running_month_without_a_final_day_shows_the_month_before(world: World) -> None:
    world.clock.move(days=11)
    answer = ask(world, "summary --month 2026-10")
    assert answer["period"] == "September 2026"
    text = told(world, "summary --month 2026-10")
    assert "October 2026 has no final day yet" in text
    assert "so far" not in text
    world.backfill(TODAY, dt.date(2026, 9, 25))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--month 2026-10", "2026-10 is in the future; the running month is 2026-09"),
        ("--month 2025-01", "no day from 2025-01-01 to 2025-01-31 is loaded; the dataset has 2026-05-01..2026-09-20"),
        ("--month 2026-13", "'2026-13' is not a month; write YYYY-MM"),
        ("--month 2026-08 --start 2026-08-01", "choose one period: --month, or --weeks, or --start with --end"),
        ("--weeks 2 --month 2026-08", "choose one period"),
        ("--budget much", "'much' is not an amount of US dollars"),
        ("--budget 0", "'0' is not an amount of US dollars"),
        ("--seat-price nan", "'nan' is not an amount of US dollars"),
        ("--sort cost", "--sort 'cost' is not a column of this table; it has model, api_cost_usd, cost_share"),
        ("--by planet", "--by planet is not a table; use one of person, key, team"),
        ("--by month,model", "--by month,model is not a table"),
        ("--json --csv", "choose one of --json and --csv"),
        ("--by person --no-people", "--no-people lists nobody by name"),
    ],
)
def test_a_mistake_is_one_line(world: World, arguments: str, message: str) -> None:
    result = run(world, f"summary {arguments}")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


# People who may not be named


def test_a_map_that_joins_few_people_accuses_nobody(world: World, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(f"email,team\n{PEOPLE[0]},one\nnever@x.test,two\n")
    answer = ask(world, "summary --team-map few.csv")
    assert "never@x.test" not in {row["person"] for row in answer["who_stopped"]}
    assert "fewer than half" in run(world, "summary --team-map few.csv").stdout

    (tmp_path / "none.csv").write_text("email,team\nnever@x.test,two\n")
    refused = run(world, "summary --team-map none.csv")
    assert refused.exit_code == 2
    assert "none of the 1 addresses of the team map occurs in the loaded days" in refused.stderr


def test_without_people_nobody_is_named(world: World) -> None:
    for options in ("", " --json", " --markdown"):
        text = run(world, f"summary --no-people --team-map teams.csv --by team --seats 9{options}").stdout
        assert text
        assert not [name for name in (*PEOPLE, GONE, "never@x.test") if name in text and name not in KEYS]


def test_an_organization_of_keys_speaks_of_keys(tmp_path: Path) -> None:
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    world.write_days(LAST - 60 * DAY, TODAY, api_key="ada", commits=2)
    world.backfill(LAST - 60 * DAY, TODAY, window_days=90)
    answer = ask(world, "summary --by terminal")
    assert answer["headlines"]["active_keys"]["value"] == 1
    assert answer["headlines"]["commits"]["value"] == 56
    assert "active_people" not in answer["headlines"]
    text = told(world, "summary")
    assert "Cost of a key" in text
    assert "person " not in text.replace("no person was active", "")
    assert [row["terminal"] for row in answer["rows"]] == ["vscode"]


def test_where_nothing_is_billed_the_list_value_takes_the_place_of_the_cost(tmp_path: Path) -> None:
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    world.write_days(LAST - 60 * DAY, TODAY, customer_type="subscription", models=[model_usage("m", cents=700)])
    world.backfill(LAST - 60 * DAY, TODAY, window_days=90)
    answer = ask(world, "summary")
    assert answer["cost_is"] == "subscription_value_usd"
    assert Decimal(answer["running_month"]["cost"]) == 7 * 19
    assert answer["headlines"]["cost_per_active_person"]["value"] == pytest.approx(7 * 28)
    text = told(world, "summary")
    assert "list value, not billed" in text
    assert "List value of a person $196, 0% from $196 ($196 / 1 subscribers)" in text
    assert "Cost of" not in text


def test_sums_beyond_64_bits_are_numbers_too(tmp_path: Path) -> None:
    world = World(tmp_path, database=tmp_path / "claude_code_analytics.duckdb")
    huge = 2**63 - 1
    world.write(LAST, record(LAST, sessions=huge, models=[model_usage("m", huge, huge, huge, huge, cents=5)] * 2))
    world.write(LAST - DAY, record(LAST - DAY, sessions=huge))
    world.backfill(LAST - DAY, LAST)
    answer = ask(world, "summary")
    assert answer["headlines"]["sessions"]["value"] == 2 * huge
    assert column(answer, "tokens_total")["m"] == 8 * huge


def test_what_does_not_change_has_no_sign() -> None:
    changes = [rounded(number, Kind.CHANGE) for number in (0, 0.004, -0.004, 0.006, -0.006, 12.2)]
    assert changes == ["0%", "0%", "0%", "+1%", "-1%", "x 13"]
    assert [rounded(number, Kind.POINTS) for number in (0.004, -0.004, 0.02)] == ["0 points", "0 points", "+2 points"]


def test_numbers_take_the_unit_that_they_round_up_to() -> None:
    assert [rounded(number, Kind.COUNT) for number in (999_949_999, 999_950_000, 999_999, 10**6, 10**19)] == [
        "999.9 M",
        "1.0 B",
        "999,999",
        "1.0 M",
        "10,000.0 Q",
    ]
