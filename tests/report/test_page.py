"""The page of the report, parsed: its numbers are those of SQL, it makes no request, and no name breaks it."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claude_code_analytics.dates import DayRange
from claude_code_pipelines.metrics.views import create_views
from claude_code_simulator import model_usage, record
from metrics.awkward import HOSTILE, PEOPLE
from report.conftest import ORGANIZATION, Page, number
from support.world import TODAY, World

Make = Callable[..., Page]
LAST = TODAY - dt.timedelta(days=1)
FIRST = LAST - dt.timedelta(days=27)
SLOW = pytest.mark.slow


def named(page: Page, table: str, title: str) -> dict[str, Any]:
    """The numbers of a column, without the rows that complete the sums."""
    found = {name: number(text) for name, text in page.column(table, title).items()}
    return {name: value for name, value in found.items() if not name.startswith("(") and name != "Total"}


def csv_of(folder: Path, table: str) -> Path:
    """The CSV file of a table of the default period."""
    return folder / "tables" / f"claude-code-{table}-{FIRST}-to-{LAST}.csv"


def test_the_numbers_of_the_page_are_those_of_sql(awkward: World, page_of: Make) -> None:
    page = page_of(awkward)
    create_views(awkward.pipeline)
    within = f"date BETWEEN DATE '{FIRST}' AND DATE '{LAST}'"
    person = "actor_type = 'user_actor' AND is_active"

    for title, measure in (("Sessions", "sessions"), ("Commits", "commits"), ("Lines added", "lines_added")):
        rows = awkward.sql(
            f"SELECT actor, SUM({measure}) FROM claude_code_actor_days WHERE {within} AND actor_type = 'user_actor' "
            "GROUP BY actor HAVING BOOL_OR(is_active)"
        )
        assert named(page, "people", title) == dict(rows)
    billed = (
        f"SELECT actor, SUM(api_cost_usd) FROM claude_code_records WHERE {within} "
        "AND actor_type = 'user_actor' GROUP BY actor"
    )
    expected = {actor: float(cost) for actor, cost in awkward.sql(billed) if cost is not None}
    found = named(page, "people", "Cost")
    assert {actor: cost for actor, cost in found.items() if cost is not None} == pytest.approx(
        {actor: cost for actor, cost in expected.items() if actor in found}, abs=0.005
    )

    tools = awkward.sql(
        f"SELECT tool_name, SUM(accepted), SUM(rejected) FROM claude_code_tool_days WHERE {within} "
        "AND actor_type = 'user_actor' GROUP BY 1"
    )
    for place, title in enumerate(("Accepted", "Rejected"), 1):
        assert named(page, "tools", title) == {row[0]: row[place] for row in tools}
    tokens = awkward.sql(
        "SELECT model, SUM(COALESCE(tokens_input, 0) + COALESCE(tokens_output, 0) + COALESCE(tokens_cache_read, 0) "
        f"+ COALESCE(tokens_cache_creation, 0)) FROM claude_code_model_days WHERE {within} GROUP BY 1"
    )
    assert named(page, "models", "Tokens") == dict(tokens)

    daily = awkward.sql(
        "SELECT CAST(date AS TEXT), active_1d, active_7d, active_28d "
        f"FROM claude_code_active_actors WHERE date <= DATE '{LAST}' AND actor_type = 'user_actor'"
    )
    assert [tuple(row[:4]) for row in page.tables["active_days"][1:]] == [
        (day, *(str(count) for count in counts)) for day, *counts in sorted(daily)
    ]
    people = awkward.sql(f"SELECT COUNT(DISTINCT actor) FROM claude_code_actor_days WHERE {within} AND {person}")
    assert page.headlines["Active people"][0] == str(people[0][0])
    weeks = awkward.sql(
        "SELECT CAST(week AS TEXT), active_actors, lapsed_actors FROM claude_code_organization_weeks "
        "WHERE actor_type = 'user_actor'"
    )
    written = {row[0]: (row[1], row[5]) for row in page.tables["weeks"][1:]}
    assert written == {week: (str(active), "–" if lapsed is None else str(lapsed)) for week, active, lapsed in weeks}  # noqa: RUF001


def test_the_page_makes_no_request_and_runs_only_its_own_script(awkward: World, page_of: Make) -> None:
    page = page_of(awkward)

    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; ")
    for tag, text in page.texts.items():
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert page.tags.count("script") == page.tags.count("style") == 1
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "style", "xlink:href", "srcset", "action", "data"}
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"url\(|@import|fetch\(|XMLHttp", page.html)


def test_no_name_from_outside_becomes_markup_or_a_formula(awkward: World, page_of: Make, tmp_path: Path) -> None:
    teams = tmp_path / "teams.csv"
    with teams.open("w", newline="") as file:
        people = [(person, f"=cmd|{HOSTILE}") for person in PEOPLE]
        csv.writer(file).writerows([("email", "team"), *people, ("@gone@example.test", "t")])
    page = page_of(awkward, "--team-map", teams, "--csv", "tables")

    assert "img" not in page.tags
    assert "<img" not in page.html
    assert HOSTILE in page.column("tools", "Accepted")
    assert HOSTILE in page.column("models", "Tokens")
    assert "</script><script>alert(1)</script>" in page.column("keys", "Sessions")
    assert f"=cmd|{HOSTILE}" in page.column("teams", "Sessions")
    with csv_of(tmp_path, "teams").open(newline="") as file:
        assert f"'=cmd|{HOSTILE}" in {row["team"] for row in csv.DictReader(file)}
    with csv_of(tmp_path, "who-stopped").open(newline="") as file:
        assert "'@gone@example.test" in {row["person"] for row in csv.DictReader(file)}


def test_texts_that_no_renderer_takes_are_cleaned_and_shortened(empty: World, page_of: Make, tmp_path: Path) -> None:
    """A control character ends the renderer's process; a direction mark turns labels around."""
    name = "\x07=1+1\u202e\ufffe" + "x" * 3000
    for day in DayRange(LAST - dt.timedelta(days=20), LAST).days():
        empty.write(day, record(day, tools={name: (9, 1)}, models=[model_usage(name), model_usage("other")]))
    empty.load(start=LAST - dt.timedelta(days=20))
    page = page_of(empty, "--csv", "tables")
    assert "\x07" not in page.html
    assert "\u202e" not in page.html
    assert "x" * 60 not in "".join(re.findall(r"<svg.*?</svg>", page.html, re.DOTALL))
    with csv_of(tmp_path, "cost-weeks").open(newline="") as file:
        assert any(title.strip().startswith("'=1+1") for title in next(csv.reader(file)))


def test_partial_and_missing_days_are_marked_and_nothing_is_compared(empty: World, page_of: Make) -> None:
    missing = TODAY - dt.timedelta(days=5)
    empty.write_days(TODAY - dt.timedelta(days=60), TODAY)
    empty.backfill(TODAY - dt.timedelta(days=60), missing - dt.timedelta(days=1), window_days=90)
    empty.backfill(missing + dt.timedelta(days=1), TODAY)
    page = page_of(empty, "--end", TODAY)

    states = page.column("active_days", "Day is")
    assert states[str(TODAY)] == "not final"
    assert states[str(missing)] == "not loaded"
    assert page.column("active_days", "On the day")[str(missing)] == "–"  # noqa: RUF001
    assert "Of 28 days, 1 is not loaded and 1 is not final: no comparison" in page.html
    assert page.column("days", "Number")["missing"] == "1"
    assert page.headlines["Sessions"][2] == ""


def test_complete_periods_are_compared(empty: World, page_of: Make) -> None:
    before = FIRST - dt.timedelta(days=1)
    empty.write_days(FIRST - dt.timedelta(days=28), before, sessions=2)
    empty.write_days(FIRST, LAST, sessions=3)
    empty.backfill(FIRST - dt.timedelta(days=28), LAST, window_days=90)
    page = page_of(empty)

    assert page.headlines["Sessions"] == ["84", "56", "+50%"]
    assert page.headlines["Active people"] == ["1", "1", "unchanged"]


def test_the_first_screen_says_what_is_spent_who_uses_it_and_what_changed(empty: World, page_of: Make) -> None:
    """A key stops working: the cost falls, and nothing that is said of people moves."""
    before = FIRST - dt.timedelta(days=28)
    for day in DayRange(before, LAST).days():
        empty.write(
            day,
            record(day, commits=2, models=[model_usage("m", cents=1000)]),
            *([record(day, api_key="nightly", models=[model_usage("m", cents=4000)])] if day < FIRST else []),
        )
    empty.backfill(before, LAST, window_days=90)
    page = page_of(empty, "--budget", 600)

    assert list(page.answers) == [
        *("Cost, 28 days", "Changed most", "September so far", "End of September", "Budget, September", "People"),
        *("API keys", "Cost of a person", "Cost of a commit", "Cost of a PR"),
        *("Sessions", "Acceptance", "Commits", "Pull requests"),
    ]
    said = {label: "".join(texts) for label, texts in page.answers.items()}
    assert said["Cost, 28 days"] == "$280 -80% from $1,400 in the 28 days before: keys -$1,120 (nightly -$1,120)"
    assert said["Changed most"] == "API key nightly $1,120 to $0.00 (-$1,120, gone)"
    assert said["September so far"] == "$190 on 19 of 30 days, -80% from $950 on 1-19 August: keys -$760"
    assert said["End of September"] == (
        "$300 ($300 to $300 by the cheapest and dearest week): 19 final days, and 11 more at the pace of the last 28 "
        "final days (mean of each weekday); August was $1,190"
    )
    assert said["Budget, September"] == "32% of $600 used; at this pace the month ends $300 below"
    assert said["People"] == "1 active, 0% from 1; 1 billed by use, 0 with a subscription"
    assert said["API keys"] == "0 active; $0.00, -100% from $1,120"
    assert said["Cost of a person"] == "$280 0% from $280 ($280 / 1 billed people)"
    assert said["Cost of a commit"] == "$5.00 0% from $5.00 ($280 / 56 billed commits)"
    assert "<b>$190</b>" in page.html
    assert page.html.index("<b>$190</b>") < page.html.index("<section")


def test_it_is_visible_which_numbers_are_better_when_they_fall(empty: World, page_of: Make) -> None:
    before = FIRST - dt.timedelta(days=28)
    empty.write_days(before, LAST, commits=2)
    empty.backfill(before, LAST, window_days=90)
    better = {label for label, texts in page_of(empty).headlines.items() if "less is better" in texts[2]}
    assert better == {"Cost of a person", "Cost of a session", "Cost of a commit", "Cost of a pull request"}


def test_every_sentence_speaks_of_the_period_or_names_its_days(awkward: World, page_of: Make) -> None:
    page = page_of(awkward, "--month", "2026-08")

    assert "<h1>1 to 31 August 2026</h1>" in page.html
    trends = re.findall(r"<h3>([^<]*), (\d[^<]* to 31 August 2026)</h3>", page.html)
    assert [title for title, _ in trends] == [
        *("Activity by day", "People by week", "Acceptance by week", "Cost by model"),
    ]
    assert "in the 28 days up to 31 August 2026" in page.sentence("Activity by day")
    assert "in the week of 24 August 2026" in page.sentence("People by week")
    for title in ("Terminals", "Acceptance by tool", "Cost by model", "Models", "People", "API keys"):
        assert "the period" in page.sentence(title)
    assert f"since {awkward.sql('SELECT min(date) FROM claude_code_days')[0][0]:%-d %B %Y}" in page.sentence("Days")


def test_a_jump_is_marked_in_the_chart(empty: World, page_of: Make) -> None:
    monday = LAST - dt.timedelta(days=LAST.weekday() + 7)
    first = monday - dt.timedelta(days=77)
    for day in DayRange(first, LAST).days():
        is_spike = monday <= day < monday + dt.timedelta(days=7)
        empty.write(day, record(day, models=[model_usage("m", cents=9000 if is_spike else 1000)]))
    empty.backfill(first, LAST, window_days=90)
    page = page_of(empty)

    (chart,) = re.findall(r'<figure role="img" aria-label="Cost by model:.*?</figure>', page.html, re.DOTALL)
    assert chart.count(">jump: $630</text>") == chart.count(">jump: ") == 1
    assert "jump: " not in page_of(empty, "--end", monday - dt.timedelta(days=1)).html


def test_without_a_billed_cost_the_list_value_takes_its_place_unfolded(empty: World, page_of: Make) -> None:
    empty.write_days(FIRST, LAST, customer_type="subscription")
    empty.backfill(FIRST, LAST)
    page = page_of(empty)

    assert page.sentence("Cost by model").endswith("makes 100% of the period's list value, not billed.")
    assert "List value of subscriptions by model" not in page.html


def test_a_mark_that_is_not_there_has_no_footnote(empty: World, page_of: Make) -> None:
    first = FIRST - dt.timedelta(days=FIRST.weekday() + 28)
    last = LAST - dt.timedelta(days=LAST.weekday() + 1)
    empty.write_days(first, LAST)
    empty.backfill(first, last, window_days=90)
    complete = page_of(empty, "--end", last).html
    empty.backfill(last + dt.timedelta(days=2), TODAY)
    torn = page_of(empty, "--end", TODAY).html
    for note in ("Dashed outlines are days", "A cross is a day", "Pale weeks are", "Hollow points are"):
        assert note not in complete
        assert note in torn


def test_tables_add_up_and_the_rest_stands_below(awkward: World, page_of: Make) -> None:
    page = page_of(awkward)

    for name in ("people", "keys", "models"):
        costs = [number(text) or 0.0 for text in page.column(name, "Cost").values()]
        assert sum(costs[:-1]) == pytest.approx(costs[-1], abs=0.005 * len(costs))
        assert costs[-1] == number(page.headlines["Cost"][0])
    assert re.search(r"<tbody class=rest [^>]*><tr><th [^>]*>\(API keys\)<td>", page.html)
    assert re.search(r"<tfoot [^>]*><tr><th [^>]*>Total<td>", page.html)


def test_charts_are_there_once_and_need_no_style(awkward: World, page_of: Make) -> None:
    html = page_of(awkward).html
    charts = re.findall(r'<figure role="img" aria-label="([^"]*)">(<svg.*?</svg>)</figure>', html, re.DOTALL)
    assert len({label for label, _ in charts}) == len(charts) == 5
    light = re.search(r":root \{ (--paper.*?)\}", html)
    assert light
    palette = {*re.findall("#[0-9a-f]{6}", light[1])}
    for _, chart in charts:
        assert {*re.findall(r'(?:fill|stroke)="(?!none|transparent)([^"]*)"', chart)} <= palette
        assert '"#2f55c0"' in chart
    drawings = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert not re.search(r"var\(|class=[\"']?(held|c\d)", drawings)


def test_every_table_has_a_caption_and_every_row_a_head(awkward: World, page_of: Make) -> None:
    tables = re.findall(r"<table.*?</table>", page_of(awkward).html, re.DOTALL)
    assert len(tables) > 12
    captions = []
    for table in tables:
        captions += re.findall(r"<caption>([^<]+)</caption>", table)
        top, rows = table.split("</thead>")
        assert top.count("<th ") == top.count('<th scope="col"') > 1
        assert rows.count("<tr>") == rows.count("<tr><th scope=row") == rows.count("<th ") > 0
    assert len({*captions}) == len(tables)


def test_a_table_carries_the_file_that_csv_writes(empty: World, page_of: Make, tmp_path: Path) -> None:
    names = ("1,200", 'quoted "name"', "two  blanks", "=1+1", "क्\u200dष", "007", "$5.00")
    empty.write(LAST, *(record(LAST, api_key=name, models=[model_usage("m", cents=12.3456)]) for name in names))
    empty.backfill(LAST, LAST)
    page = page_of(empty, "--csv", "tables")
    carried = re.findall(r'id="table-(\w+)"[^>]* data-file="([^"]*)" data-csv="([^"]*)"', page.html)
    assert [name for name, _, _ in carried] == ["keys"]
    for name, file, packed in carried:
        written = csv_of(tmp_path, name)
        assert file == written.name
        assert gzip.decompress(base64.b64decode(packed)) == written.read_bytes()
    with csv_of(tmp_path, "keys").open(newline="") as file:
        rows = {row["key"]: row["api_cost_usd"] for row in csv.DictReader(file)}
    assert rows == {name.replace("=1", "'=1"): "0.123456" for name in names}


@SLOW
def test_the_page_of_5000_people_stays_below_one_and_a_half_megabytes(empty: World, page_of: Make) -> None:
    people = (
        record(
            LAST,
            email=f"first.{number * 7919 % 9973}.last@subsidiary.example",
            sessions=number % 97,
            added=number * 31 % 9999,
            models=[model_usage("m", cents=number * 7919 % 99991)],
        )
        for number in range(5000)
    )
    empty.write(LAST, *people)
    empty.backfill(LAST, LAST)
    page = page_of(empty)
    assert len(page.tables["people"]) == 5002
    assert 700_000 < len(page.html.encode()) < 1_500_000


def test_list_value_and_terminals_are_folded_and_one_tool_is_a_whole_bar(empty: World, page_of: Make) -> None:
    empty.write(LAST, record(LAST), record(LAST, customer_type="subscription"))
    empty.backfill(LAST, LAST)
    page = page_of(empty)

    for title in ("Terminals", "List value of subscriptions by model"):
        assert re.search(rf'<details class="panel"><summary>{title}', page.html)
    (tools,) = re.findall(r'id="table-tools".*?</table>', page.html, re.DOTALL)
    assert len(re.findall(r'<svg class="bar" width="120" height="8"', tools)) == 2  # with the total


@pytest.mark.parametrize(
    ("records", "label", "value"),
    [
        pytest.param([], "Active people", "0", id="no records"),
        pytest.param([record(LAST, api_key="ci"), record(LAST, api_key="bot")], "Active API keys", "2", id="keys only"),
        pytest.param([record(LAST)], "Active people", "1", id="one person", marks=SLOW),
        pytest.param([record(LAST, models=[], tools={})], "Sessions", "3", id="no breakdowns", marks=SLOW),
        pytest.param(
            [record(LAST, models=[model_usage("m", currency="EUR")])],
            "Active people",
            "1",
            id="another currency",
            marks=SLOW,
        ),
    ],
)
def test_little_data_makes_a_page_too(
    records: list[dict[str, Any]], label: str, value: str, empty: World, page_of: Make
) -> None:
    empty.write(LAST, *records)
    empty.backfill(LAST, LAST)
    page = page_of(empty)

    assert page.headlines[label][0] == value
    if label == "Active API keys":
        assert "Active people" not in page.headlines
        assert "All activity comes from API keys" in page.html


def test_hashed_and_dropped_identities_list_nobody(
    empty: World, page_of: Make, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__ACTOR_IDENTITY", "hash")
    monkeypatch.setenv("SOURCES__CLAUDE_CODE_ANALYTICS__IDENTITY_KEY", "a key of the tests, long enough for everybody")
    empty.write_days(FIRST, LAST)
    empty.backfill(FIRST, LAST)
    page = page_of(empty, "--csv", "tables")
    (tmp_path / "teams.csv").write_text("email,team\nada@example.test,one\n")

    assert page.headlines["Active people"][0] == "1"
    assert "people" not in page.tables
    assert not csv_of(tmp_path, "people").exists()
    assert "so no person is listed" in page.html
    for arguments in (["report", "--team-map", "teams.csv"], ["summary", "--by", "person"]):
        refused = command(empty, *arguments)
        assert refused.exit_code == 2
        assert "hashed" in refused.stderr


def test_teams_fold_and_silent_people_are_listed(empty: World, page_of: Make, tmp_path: Path) -> None:
    people = [f"p{number}@example.test" for number in range(8)]
    empty.write(LAST, *(record(LAST, email=person.upper()) for person in people))
    empty.backfill(LAST, LAST)
    lines = [f"{person},big" for person in people[:6]] + [f"{people[6]},small", "silent@example.test,big"]
    (tmp_path / "teams.csv").write_text("\n".join(["email,team", *lines]))
    page = page_of(empty, "--team-map", "teams.csv")
    assert named(page, "teams", "Active people") == {"big": 6, "small": 1}
    assert page.tables["who_stopped"][1:] == [["silent@example.test", "big", "never active"]]

    page = page_of(empty, "--team-map", "teams.csv", "--no-people")
    assert page.column("teams", "Active people") == {"big": "6", "(small teams)": "2", "Total": "8"}
    assert "p1@example.test" not in page.html
    assert "silent@example.test" not in page.html


def test_one_of_several_organizations_is_shown(awkward: World, page_of: Make, command: Callable[..., Any]) -> None:
    other = "33333333-0000-4000-8000-000000000003"
    awkward.sql(
        f"CREATE TABLE copied AS SELECT * FROM claude_code_days WHERE date = DATE '{LAST}'; "
        f"INSERT INTO claude_code_days SELECT * REPLACE ('{other}' AS organization_id, 0 AS records, "
        "0 AS tool_actions, 0 AS models, 'another' AS request_id) FROM copied; DROP TABLE copied"
    )
    refused = command(awkward, "report")
    page = page_of(awkward, "--organization", other)

    assert refused.exit_code == 2
    assert ORGANIZATION in refused.stderr
    assert page.headlines["Sessions"][0] == "0"
