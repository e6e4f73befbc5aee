# /// script
# requires-python = ">=3.10"
# dependencies = ["altair>=6,<7", "duckdb", "marimo[sql]"]
# ///
"""Notebook that explores the views in ten questions: `uvx marimo edit --sandbox explore.py`."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Claude Code analytics")


@app.cell
def _():
    import altair as alt
    import duckdb
    import marimo as mo
    import polars.selectors as columns

    # for another warehouse: sqlalchemy.create_engine("postgresql+psycopg2://...")
    warehouse = duckdb.connect("claude_code_analytics.duckdb", read_only=True)
    dataset = "claude_code"

    def ask(query):
        """Runs a query; charts take floats, no exact decimals."""
        return mo.sql(query, output=False, engine=warehouse).with_columns(columns.decimal().cast(float))

    def answer(question, note, found):
        if isinstance(found, alt.Chart):
            found = found.properties(width="container")
        return mo.vstack([mo.md(f"## {question}\n{note}"), found])

    weeks = alt.X("yearmonthdate(week):O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    return alt, answer, ask, dataset, mo, weeks


@app.cell
def _(ask, dataset, mo):
    _days = ask(f"""
        SELECT organization_id AS organization, COUNT(*) AS loaded_days, MIN(date) AS first_day,
            MAX(CASE WHEN is_final THEN date END) AS last_final_day
        FROM {dataset}.claude_code_day_ledger
        GROUP BY organization_id
        ORDER BY COUNT(*) DESC
    """)
    organization = mo.ui.dropdown(_days["organization"].to_list(), _days["organization"][0], label="Organization")
    actor_type = mo.ui.dropdown({"People": "user_actor", "API keys": "api_actor"}, "People", label="Show")
    mo.vstack(
        [
            mo.md("# Claude Code analytics\nDays are UTC days. Costs are the API's estimate, not an invoice."),
            mo.hstack([organization, actor_type], justify="start", gap=2),
            mo.ui.table(_days, selection=None, show_download=False, show_data_types=False),
        ]
    )
    return actor_type, organization


@app.cell
def _(actor_type, dataset, organization):
    chosen = f"organization_id = '{organization.value}'"
    shown = f"{chosen} AND actor_type = '{actor_type.value}'"
    _last = f"(SELECT MAX(date) FROM {dataset}.claude_code_day_ledger WHERE {chosen} AND is_final)"
    last_28_days = f"date > {_last} - 28 AND date <= {_last}"
    return chosen, last_28_days, shown


@app.cell
def _(alt, answer, ask, dataset, shown):
    _rows = ask(f"""
        SELECT date, active_1d, active_7d, active_28d
        FROM {dataset}.claude_code_active_actors
        WHERE {shown} AND is_final
        ORDER BY date
    """)
    _windows = {"active_1d": "on the day", "active_7d": "in 7 days", "active_28d": "in 28 days"}
    _chart = (
        alt.Chart(_rows.rename(_windows))
        .transform_fold([*_windows.values()], ["window", "active"])
        .mark_line()
        .encode(
            alt.X("date:T", title=None),
            alt.Y("active:Q", title="active"),
            alt.Color("window:N", title=None, sort=[*_windows.values()]),
            alt.StrokeWidth("window:N", sort=[*_windows.values()], scale=alt.Scale(range=[0.6, 2, 2])),
        )
    )
    answer("Who uses it?", "Active on the day, and in the days that end with it: `claude_code_active_actors`", _chart)
    return


@app.cell
def _(alt, answer, ask, dataset, shown, weeks):
    _rows = ask(f"""
        SELECT week, retained_actors AS stayed, returning_actors AS returned, new_actors AS joined,
            -lapsed_actors AS lapsed
        FROM {dataset}.claude_code_organization_weeks
        WHERE {shown} AND is_complete
        ORDER BY week
    """)
    _kinds = ["stayed", "returned", "joined", "lapsed"]
    _chart = (
        alt.Chart(_rows)
        .transform_fold(_kinds, ["kind", "actors"])
        .mark_bar()
        .encode(
            weeks,
            alt.Y("actors:Q", title="active, lapsed below zero"),
            alt.Color("kind:N", title=None, sort=_kinds),
        )
    )
    answer("Who joins, stays and lapses?", "By complete ISO week: `claude_code_organization_weeks`", _chart)
    return


@app.cell
def _(alt, answer, ask, chosen, dataset):
    _rows = ask(f"""
        SELECT cohort_week, weeks_since, cohort_people, active_people, retention
        FROM {dataset}.claude_code_cohorts
        WHERE {chosen} AND is_complete AND weeks_since < 26
        ORDER BY cohort_week, weeks_since
    """)
    _chart = (
        alt.Chart(_rows)
        .mark_rect()
        .encode(
            alt.X("weeks_since:O", title="weeks since the first active one", axis=alt.Axis(labelAngle=0)),
            alt.Y("yearmonthdate(cohort_week):O", title="first active week"),
            alt.Color(
                "retention:Q", title="still active", scale=alt.Scale(domain=[0, 1]), legend=alt.Legend(format="%")
            ),
            tooltip=["cohort_week:T", "weeks_since:Q", "cohort_people:Q", "active_people:Q"],
        )
    )
    answer("Do those who begin stay?", "People by their first active week: `claude_code_cohorts`", _chart)
    return


@app.cell
def _(answer, ask, dataset, mo, shown):
    _rows = ask(f"""
        SELECT actor, usage_level, active_days_28d AS active_days, sessions_28d AS sessions,
            api_cost_usd_28d AS api_cost_usd, subscription_value_usd_28d AS list_value_usd
        FROM {dataset}.claude_code_actors
        WHERE {shown}
        ORDER BY COALESCE(sessions_28d, 0) DESC
    """)
    _table = mo.ui.table(_rows, page_size=10, selection=None, show_data_types=False)
    answer("How much does each of them use it?", "In the last 28 final days: `claude_code_actors`", _table)
    return


@app.cell
def _(alt, answer, ask, dataset, shown, weeks):
    _rows = ask(f"""
        SELECT week, commits, pull_requests, lines_added
        FROM {dataset}.claude_code_organization_weeks
        WHERE {shown} AND is_complete
        ORDER BY week
    """)
    _measures = {"commits": "commits", "pull_requests": "pull requests", "lines_added": "lines added"}
    _chart = (
        alt.Chart(_rows.rename(_measures))
        .transform_fold([*_measures.values()], ["measure", "made"])
        .mark_bar()
        .encode(weeks, alt.Y("made:Q", title=None))
        .properties(width=640, height=100)
        .facet(row=alt.Row("measure:N", title=None, sort=[*_measures.values()]))
        .resolve_scale(y="independent")
    )
    answer("What comes of it?", "Made through Claude Code, by ISO week: `claude_code_organization_weeks`", _chart)
    return


@app.cell
def _(alt, answer, ask, dataset, last_28_days, shown):
    _rows = ask(f"""
        SELECT tool_name, SUM(accepted) AS accepted, SUM(rejected) AS rejected
        FROM {dataset}.claude_code_tool_days
        WHERE {shown} AND {last_28_days}
        GROUP BY tool_name
        ORDER BY tool_name
    """)
    _chart = (
        alt.Chart(_rows)
        .transform_fold(["accepted", "rejected"], ["verdict", "edits"])
        .mark_bar()
        .encode(
            alt.X("edits:Q", title="proposed edits", stack="normalize", axis=alt.Axis(format="%")),
            alt.Y("tool_name:N", title=None),
            alt.Color("verdict:N", title=None),
            tooltip=["tool_name:N", "accepted:Q", "rejected:Q"],
        )
    )
    answer(
        "What is accepted?",
        "Of the edits that each tool proposed, in the last 28 final days: `claude_code_tool_days`",
        _chart,
    )
    return


@app.cell
def _(alt, answer, ask, chosen, dataset, weeks):
    _rows = ask(f"""
        SELECT week, actor_type, api_cost_usd
        FROM {dataset}.claude_code_organization_weeks
        WHERE {chosen} AND is_complete
        ORDER BY week, actor_type
    """)
    _chart = (
        alt.Chart(_rows)
        .mark_bar()
        .encode(
            weeks,
            alt.Y("api_cost_usd:Q", title="US dollars a week"),
            alt.Color("actor_type:N", title=None, sort="descending"),
        )
    )
    answer("What does it cost?", "Billed by use, without subscriptions: `claude_code_organization_weeks`", _chart)
    return


@app.cell
def _(alt, answer, ask, chosen, dataset):
    _rows = ask(f"""
        SELECT date, model, api_cost_usd
        FROM {dataset}.claude_code_model_days
        WHERE {chosen} AND api_cost_usd IS NOT NULL
        ORDER BY date, model
    """)
    _chart = (
        alt.Chart(_rows)
        .mark_bar()
        .encode(
            alt.X("yearmonth(date):O", title=None),
            alt.Y("sum(api_cost_usd):Q", title="share of the cost", stack="normalize", axis=alt.Axis(format="%")),
            alt.Color("model:N", title=None),
        )
    )
    answer("Which models?", "Of people and keys, by month, the newest one so far: `claude_code_model_days`", _chart)
    return


@app.cell
def _(alt, answer, ask, dataset, last_28_days, shown):
    _rows = ask(f"""
        SELECT terminal_type, is_remote, SUM(sessions) AS sessions
        FROM {dataset}.claude_code_mix_days
        WHERE {shown} AND {last_28_days}
        GROUP BY terminal_type, is_remote
        ORDER BY terminal_type, is_remote
    """)
    _chart = (
        alt.Chart(_rows)
        .transform_calculate(
            terminal="datum.terminal_type || '(unknown)'",
            place="datum.is_remote == null ? 'unknown' : datum.is_remote ? 'remote' : 'local'",
        )
        .mark_bar()
        .encode(alt.X("sessions:Q"), alt.Y("terminal:N", title=None, sort="-x"), alt.Color("place:N", title=None))
    )
    answer("Where do they work?", "Sessions of the last 28 final days by terminal: `claude_code_mix_days`", _chart)
    return


@app.cell
def _(alt, answer, ask, dataset, shown):
    _rows = ask(f"""
        WITH costs AS (
            SELECT actor, month, api_cost_usd
            FROM {dataset}.claude_code_actor_months
            WHERE {shown} AND is_complete
        ), newest AS (
            SELECT DISTINCT month FROM costs ORDER BY month DESC LIMIT 2
        ), changes AS (
            SELECT COALESCE(actor, '(dropped)') AS actor,
                SUM(CASE WHEN month = (SELECT MAX(month) FROM newest) THEN api_cost_usd ELSE -api_cost_usd END) AS usd
            FROM costs
            WHERE month IN (SELECT month FROM newest)
            GROUP BY actor
        )
        SELECT actor, usd FROM changes WHERE usd <> 0 ORDER BY ABS(usd) DESC LIMIT 12
    """)
    _chart = (
        alt.Chart(_rows)
        .mark_bar()
        .encode(
            alt.X("usd:Q", title="US dollars more or less"),
            alt.Y("actor:N", title=None, sort=None, axis=alt.Axis(labelLimit=260)),
            alt.Color("more:N", legend=None),
        )
        .transform_calculate(more="datum.usd > 0")
    )
    answer("What changed?", "Newest complete month against the one before: `claude_code_actor_months`", _chart)
    return


if __name__ == "__main__":
    app.run()
