"""The promise as a model: whatever happens in whatever order, a loaded day is what the API said of it last.

Hypothesis makes up histories of an organization and of its loads: activity arrives and is corrected, time passes, loads
and backfills succeed, meet faults, are interrupted or lose their working folder. After each step the warehouse is
compared with the answers that the API gave, value by value.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from dlt.pipeline.state_sync import decompress_state
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from truth import Contents, RecordingApi, broken_promises, in_file

from claude_code_analytics import AnalyticsClient, ClaudeCodeAnalyticsError, claude_code_analytics
from claude_code_pipelines import Loading, Warehouse, backfill, load
from claude_code_pipelines.windows import Watch
from claude_code_simulator import (
    FAULTS,
    SAMPLE_ORGANIZATION_ID,
    Dimensions,
    Event,
    EventOrganization,
    FaultScript,
    On,
    Usage,
)

REAL_ID = SAMPLE_ORGANIZATION_ID.replace("0", "7")
ONE_DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 9, 16, 12, tzinfo=dt.timezone.utc)
FIRST = dt.date(2026, 9, 10)
"""Where loads begin; backfills may go before it."""

KINDS = ("status", "limit", "cut", "break", "cursor", "truncated", "body", "redirect")
TROUBLE = sorted(name for name in FAULTS if name.split("-")[0] in KINDS)

back = st.integers(0, 9)
spans = st.integers(1, 9)
faults = st.builds(On, st.sampled_from(TROUBLE), after=st.integers(0, 4), times=st.sampled_from([1, None]))
interruptions = st.tuples(
    st.sampled_from(["interrupted while reading", "interrupted after a window"]), st.integers(1, 4)
)
plans = faults | interruptions | st.none()
"""What befalls a job: a fault of the API, an interruption, or nothing."""


class Interrupting(Watch):
    """Interrupts a load as Ctrl-C does, after so many days or windows."""

    def __init__(self, what: str, after: int) -> None:
        self._what = what
        self._left = after

    def fetched(self, day: object) -> None:
        self._count("interrupted while reading")

    def committed(self, window: object) -> None:
        self._count("interrupted after a window")

    def _count(self, what: str) -> None:
        self._left -= what == self._what
        if not self._left:
            raise KeyboardInterrupt


class History(RuleBasedStateMachine):
    """An organization, its API and its warehouse, over some weeks."""

    folder: ClassVar[Path]
    connect: ClassVar[Callable[..., AnalyticsClient]]
    clock_class: ClassVar[Callable[[dt.datetime], Any]]
    seen: ClassVar[Counter[str]]

    @initialize(page_size=st.sampled_from([1, 2, 1000]))
    def begin(self, page_size: int) -> None:
        type(self).seen["histories"] += 1
        place = self.folder / str(self.seen["histories"])
        place.mkdir()
        self.clock = self.clock_class(START)
        self.api = RecordingApi(EventOrganization(id=REAL_ID), clock=self.clock, page_size=page_size)
        self.database = place / "history.duckdb"
        os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = f"duckdb:///{self.database}"
        self.target = Warehouse(working_dir=str(place / "pipelines"))

    def day(self, back: int) -> dt.date:
        return self.clock().date() - back * ONE_DAY

    # What happens in the organization

    @rule(
        back=back,
        hour=st.integers(0, 23),
        late=st.sampled_from([0, 0, 3, 30]),
        email=st.sampled_from(["ada@example.test", "Bob@example.test"]),
        terminal=st.sampled_from(["vscode", "tmux", None]),
        tools=st.dictionaries(st.sampled_from(["edit_tool", "write_tool"]), st.just((2, 1))),
        models=st.lists(st.sampled_from(["m1", "m2"]), max_size=2),
        count=st.integers(1, 9),
    )
    def work(
        self, back: int, hour: int, late: int, email: str, terminal: str | None, tools: Any, models: Any, count: int
    ) -> None:
        """Somebody works, on any day up to today; the API may hear of it late."""
        at = dt.datetime.combine(self.day(back), dt.time(hour), dt.timezone.utc)
        self.api.organization.add(  # type: ignore[attr-defined]
            Event(
                at,
                Dimensions(email=email, terminal_type=terminal),
                arrived_at=self.clock() + dt.timedelta(hours=late) if late else None,
                sessions=count,
                tools=tools,
                models=tuple(Usage(model, input=count, cents=count) for model in models),
            )
        )

    @rule(back=back, terminal=st.sampled_from(["vscode", "emacs"]), all_of_it=st.booleans())
    def restate(self, back: int, terminal: str, all_of_it: bool) -> None:
        """A day turns out to have been otherwise, or empty."""
        organization: Any = self.api.organization
        for event in organization.events(self.day(back)):
            if event.visible_from <= self.clock() and event.sessions > 0:
                if all_of_it:
                    organization.add(event.undone(self.clock()))
                else:
                    organization.add(*event.moved(self.clock(), terminal_type=terminal))

    @rule(hours=st.sampled_from([1, 7, 24, 70]))
    def time_passes(self, hours: int) -> None:
        self.clock.move(hours=hours)

    # What is done with the warehouse

    @rule(plan=faults, window=spans, lookback=st.integers(0, 4))
    def load_in_trouble(self, plan: Any, window: int, lookback: int) -> None:
        self._load(plan, window, lookback)

    @rule(plan=interruptions, window=spans, lookback=st.integers(0, 4))
    def load_interrupted(self, plan: Any, window: int, lookback: int) -> None:
        self._load(plan, window, lookback)

    @rule(window=spans)
    def load_undisturbed(self, window: int) -> None:
        self._load(None, window, 2)

    def _load(self, plan: Any, window: int, lookback: int) -> None:
        os.environ["SOURCES__CLAUDE_CODE_ANALYTICS__LOOKBACK_DAYS"] = str(lookback)
        begun = self.clock().date()
        if self._job("load", plan, lambda **how: load(self.target, start=FIRST, window_days=window, **how)):
            contents = self._contents()
            missing = {FIRST + number * ONE_DAY for number in range((begun - FIRST).days + 1)} - set(contents.ledger)
            assert not missing, missing
            cursor = self._cursor()
            assert cursor is not None
            assert cursor >= begun

    @rule(plan=plans, first=st.integers(0, 14), length=st.integers(0, 6), window=spans)
    def backfill(self, plan: Any, first: int, length: int, window: int) -> None:
        start, end = self.day(first), self.day(max(0, first - length))
        before = self._cursor()
        if self._job("backfill", plan, lambda **how: backfill(self.target, start, end, window_days=window, **how)):
            days = {start + number * ONE_DAY for number in range((end - start).days + 1)}
            assert days <= set(self._contents().ledger)
        assert self._cursor() == before

    def _job(self, name: str, plan: Any, run: Callable[..., Loading]) -> bool:
        """Runs a job, with what befalls it; whether it was done."""
        script = FaultScript(plan) if isinstance(plan, On) else None
        watch = Interrupting(*plan) if isinstance(plan, tuple) else Watch()
        asked_before = dict(self.api.last)
        self.api.fault = script
        try:
            with self.connect(self.api, self.clock) as client:
                run(client=client, watch=watch)
        except ClaudeCodeAnalyticsError as error:
            if plan is None:
                raise
            type(self).seen[f"{name}: {type(error).__name__}"] += 1
            return False
        except KeyboardInterrupt:
            type(self).seen[f"{name}: interrupted"] += 1
            return False
        finally:
            self.api.fault = None
        happened = bool(script and script.happened)
        type(self).seen[f"{name}: done{' in spite of a fault' * happened}"] += 1
        ledger = self._contents().ledger if self.database.exists() else {}
        for day, request_id in self.api.last.items():
            if asked_before.get(day) != request_id and not happened:
                assert ledger[day] == request_id, f"{day} was told anew, and that is not what is held"
        return True

    @rule(steps=st.integers(1, 2), span=spans)
    def stop_half_way(self, steps: int, span: int) -> None:
        """A load is stopped for ever after it has read, or after it has normalized what it read."""
        pipeline = self.target.open()
        with self.connect(self.api, self.clock) as client:
            pipeline.extract(claude_code_analytics(start_date=FIRST, client=client, lookback_days=1, max_days=span))
        if steps == 2:
            pipeline.normalize()
        type(self).seen[f"stopped after {'normalizing' if steps == 2 else 'reading'}"] += 1

    @precondition(lambda self: Path(str(self.target.working_dir)).exists())
    @rule()
    def lose_the_working_folder(self) -> None:
        """The next load runs on another machine."""
        shutil.rmtree(str(self.target.working_dir), ignore_errors=True)
        type(self).seen["working folder lost"] += 1

    # What must be true, always

    @precondition(lambda self: self.database.exists())
    @invariant()
    def every_day_is_what_the_api_said_last(self) -> None:
        type(self).seen["steps checked"] += 1
        contents = self._contents()
        broken = broken_promises(contents, self.api)
        assert not broken, "\n".join(broken)
        cursor = self._cursor()
        if cursor is not None:
            passed = {FIRST + number * ONE_DAY for number in range((cursor - FIRST).days + 1)} - set(contents.ledger)
            assert not passed, f"the cursor stands at {cursor} and passed {passed}"

    def _contents(self) -> Contents:
        return in_file(self.database)

    def _cursor(self) -> dt.date | None:
        """The cursor as another machine would find it: that of the last load that came to its end."""
        if not self.database.exists():
            return None
        with duckdb.connect(str(self.database), read_only=True) as connection:
            state_is_there = "SELECT 1 FROM information_schema.tables WHERE table_name = '_dlt_pipeline_state'"
            if not connection.execute(state_is_there).fetchone():
                return None
            connection.execute("USE claude_code")
            found = connection.execute(
                "SELECT state FROM _dlt_pipeline_state JOIN _dlt_loads ON load_id = _dlt_load_id AND status = 0 "
                "ORDER BY load_id DESC LIMIT 1"
            ).fetchone()
        state: Any = decompress_state(found[0]) if found else {}
        resources = state.get("sources", {}).get("claude_code_analytics", {}).get("resources", {})
        cursor = resources.get("claude_code_usage", {}).get("incremental", {}).get("date", {}).get("last_value")
        return dt.date.fromisoformat(str(cursor)[:10]) if cursor else None


def run_histories(tmp_path: Path, clock: Any, how_many: int, steps: int, from_seed: int) -> Counter[str]:
    def connect(api: RecordingApi, clock: Any) -> AnalyticsClient:
        return AnalyticsClient(
            api_key=api.credentials.admin_key,
            transport=api.transport,
            clock=clock,
            sleep=clock.sleep,
            chance=lambda: 0.5,
        )

    class Histories(History):
        folder = tmp_path
        seen: ClassVar[Counter[str]] = Counter()
        clock_class = type(clock)

    Histories.connect = staticmethod(connect)  # type: ignore[method-assign]
    seed(from_seed)(Histories)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Histories,
        settings=settings(
            max_examples=how_many,
            stateful_step_count=steps,
            derandomize=False,  # the seed says which; what Hypothesis takes without one are the shortest histories
            phases=[Phase.generate],  # to shrink takes longer than to read the steps
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Histories.seen


def test_any_history_ends_at_the_truth(tmp_path: Path, clock: Any) -> None:
    seen = run_histories(tmp_path, clock, how_many=1, steps=12, from_seed=5)
    assert seen["steps checked"] >= 6


@pytest.mark.slow
def test_many_histories_end_at_the_truth(tmp_path: Path, clock: Any) -> None:
    seen = run_histories(
        tmp_path, clock, how_many=int(os.environ.get("MODEL_TEST_HISTORIES", "60")), steps=25, from_seed=6
    )
    print(f"\n{dict(seen)}")  # noqa: T201
