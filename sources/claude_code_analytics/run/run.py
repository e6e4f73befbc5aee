"""One run: opened (organization, clock, proof), planned, and its days read ahead and shaped."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import dlt
from dlt.common.runtime import signals

from ..api.client import AnalyticsClient
from ..api.network import Params
from ..api.prefetch import Prefetcher
from ..claude_code.pages import FetchedDay, read_page
from ..claude_code.report import DailyReport
from ..claude_code.tables import ShapedDay, Shaping
from ..config import SourceConfig
from ..constants import REPORT_PATH, START_DATE
from ..dates import check_range, last_final_day
from ..exceptions import ApiError, CredentialRefused, UndecodableDay
from ..warehouse.proof import Proof, read_proof
from ..warehouse.replace_days import PackageDays
from ..warehouse.unknown_fields import ExtraColumns
from .failures import FailedDay, Failures
from .organization import is_same, own_id
from .planner import Plan, days_to_read

logger = logging.getLogger("claude_code_analytics")


class Run:
    """One run of a daily report, the same for the plain source and for `load()`.

    `client` replaces the configured one. `on_wait` is called with the time (UTC) until which all requests wait after a
    429, `on_fetched` with each day that was read for the first time, and the number of its records, `on_failed` with
    each day that could not be read, and the reason.
    """

    def __init__(
        self,
        report: DailyReport,
        config: SourceConfig,
        client: AnalyticsClient | None = None,
        *,
        on_wait: Callable[[dt.datetime], object] | None = None,
        on_fetched: Callable[[dt.date, int], object] = lambda day, records: None,
        on_failed: Callable[[dt.date, str], object] = lambda day, reason: None,
    ) -> None:
        self.report = report
        self.config = config
        self.actors = config.actors()
        self.actor_identity = self.actors.label  # as the ledger shows it
        self.organization = ""  # the id that rows carry, once the run is open
        self._known: list[str] = []  # organizations of the dataset, and of this load package
        self.proof = Proof()  # what the warehouse held when the run was opened
        self.failures = Failures(on_failed)
        self.warn = cache(logger.warning)  # logs each message once
        self._client = client or config.client()
        self._owns_client = client is None
        self._session = self._client.session(on_wait)
        self._on_fetched = on_fetched
        self._fetched: set[dt.date] = set()
        self._ids: list[str] = []  # of the organization, as the API names it
        self._reader = Prefetcher(self._read, at_once=self._client.max_concurrent_days, size_of=lambda day: day.nbytes)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.stop()
        self._session.cancel()
        if self._owns_client:
            self._client.close()

    def now(self) -> dt.datetime:
        return self._session.now()

    def mark(self) -> float:
        return self._session.mark()

    def at(self, mark: float) -> dt.datetime:
        return self._session.at(mark)

    def pause(self, seconds: float) -> None:
        self._session.pause(seconds)

    def connect(self) -> None:
        """Requests the organization, which shows the API's clock, and checks the range by that clock.

        A credential that is refused is so here, before the warehouse is touched.
        """
        self._session.organization()
        check_range(self.config.start_date, self.config.end_date, self.now().date())
        self._ids = self._ids or self._named_ids()

    def open(self, pipeline: dlt.Pipeline | None, schema_name: str) -> None:
        """Connects, proves what the warehouse holds, and settles whose days are read.

        `pipeline` is None where nothing is to be proven. A destination that cannot be queried raises DltException.
        """
        self.connect()
        if pipeline is not None:
            tables, ledger = self.report.tables, self.report.ledger
            now, latest = self.now(), self._session.latest()
            self.proof = read_proof(
                pipeline, schema_name, tables, ledger, now=now, completes_tables=True, latest=latest
            )
        # a source that the same package read before is not in the dataset yet
        self._known = sorted({*self.proof.organizations, *PackageDays().organizations})
        self.organization = self._own_id()
        if self._known and self.organization not in self._known and not self.config.organization_id:
            self._ids += self._ids_of_a_page()  # a header may name it as an earlier load did
            self.organization = self._own_id()
        named = self._session.organization()
        self.organization_name = named.name if is_same(named.id or "", self.organization) else None

    def learn(self, proof: Proof) -> None:
        """Takes the columns that a newer proof found: those that other loads have added since the run was opened."""
        self.proof = replace(self.proof, stored=proof.stored, known=proof.known)

    def plan(self, closed: Sequence[dt.date] | None = None, first: dt.date | None = None) -> Plan:
        """Plans the days, and warns of what loading them will mix.

        The days of a `closed` range are all read. Else it is every day that is not held or not settled, from `first`
        on, which is by default the configured day, else the first that the dataset has, else 2025-01-01.
        """
        self._warn_of_mixtures()
        now, config = self.now(), self.config
        if closed is not None:
            return Plan(tuple(day for day in closed if day <= now.date()))
        states = self.proof.of(self.organization)
        return days_to_read(
            states,
            first=first or config.start_date or min(states, default=START_DATE),
            last=now.date() if config.include_today else last_final_day(now),
            lookback_days=config.lookback_days,
            max_days=config.max_days,
        )

    def rounds(self, plan: Plan) -> Iterator[Plan]:
        """Yields a plan, and then plans of waiting days: `max_days` does not count days that were skipped."""
        skipped = self.failures.skipped
        yield plan
        while not self.failures.final:
            plan, skipped = plan.following(self.failures.skipped - skipped), self.failures.skipped
            if not plan.days:
                return
            yield plan

    def expect(self, days: Sequence[dt.date]) -> None:
        """Reads these days ahead, after those that are shaped now."""
        self._reader.expect(days)

    def shaped(self, days: Sequence[dt.date], extra: ExtraColumns) -> Iterator[ShapedDay | FailedDay]:
        """Reads days and yields them as tables, in the order given, and the days with a fault of their own.

        Days whose requests fail are skipped. Ends early where failed days stop the run. The last of them in a row are
        then not yielded: the fault was perhaps not theirs.
        """
        shaping = Shaping(self.organization, self.actors, extra)
        faulty: list[FailedDay] = []  # since the last success
        for read in self._reader.results(days, signals.raise_if_signalled):
            day = self._shaped(read, shaping) if isinstance(read, FetchedDay) else read
            if isinstance(day, ShapedDay):
                self.failures.end_row()
                if day.date not in self._fetched:
                    self._fetched.add(day.date)
                    self._on_fetched(day.date, day.record_count)
                yield from faulty
                yield day
                faulty = []
            elif not self.failures.add(day):
                self._reader.stop()
                return
            elif day.has_own_fault:
                faulty.append(day)
        yield from faulty

    def _shaped(self, day: FetchedDay, shaping: Shaping) -> ShapedDay | FailedDay:
        try:
            return self.report.shape(day, shaping)
        except UndecodableDay as error:
            return FailedDay(day.date, day.fetched_at, error)

    def _named_ids(self) -> list[str]:
        named = self._session.organization()
        ids = [each for each in (named.id, named.header_id) if each]
        # refused for good; a page may carry the header, or is refused too
        return ids if named.id else ids + self._ids_of_a_page()

    def _ids_of_a_page(self) -> list[str]:
        params: Params = {"starting_at": last_final_day(self.now()).isoformat(), "limit": 1}
        named = self._session.get(REPORT_PATH, params, read_page).organization_id
        return [named] if named else []

    def _own_id(self) -> str:
        problem, given = self._session.organization().problem, self.config.organization_id
        return own_id(self._ids, problem, given, self._known, self.warn)

    def _warn_of_mixtures(self) -> None:
        """Warns where a second organization, or another treatment of actors, comes beside what is loaded."""
        if self._known and self.organization not in self._known:
            held = ", ".join(self._known)
            self.warn(f"the dataset held organization {held} so far; {self.organization} is added beside it")
        label = self.actor_identity
        states = self.proof.of(self.organization).values()
        others = [state.actor_identity for state in states if state.records and state.actor_identity != label]
        if others:
            self.warn(
                f"{len(others)} loaded days have actor_identity {others[0]}, this load writes {label}: backfill them "
                "to have all days alike"
            )

    def _read(self, day: dt.date) -> FetchedDay | FailedDay:
        """Reads a day, which is shaped in its turn: the types of new columns depend on the order of days.

        Raises the CredentialRefused after which no day can be read.
        """
        began = self._session.mark()
        try:
            return self.report.fetch(self._session, day)
        except ApiError as error:
            if isinstance(error, CredentialRefused) and error.is_for_all:
                raise
            return FailedDay(day, self._session.at(began), error)
