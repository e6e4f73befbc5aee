"""One run of a daily report: its settings, its warnings, whose days it reads, and the days read ahead."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dlt.common.runtime import signals

from ..api.client import Session
from ..api.prefetch import Prefetcher
from ..config import SourceConfig
from ..constants import UNKNOWN_ORGANIZATION
from ..exceptions import ConfigurationError, UndecodableDay, UnexpectedResponse
from ..report import DailyReport, FetchedDay, ShapedDay, Shaping
from ..warehouse.proof import Proof
from ..warehouse.unknown_fields import ExtraColumns

logger = logging.getLogger("claude_code_analytics")


class OnceLogger:
    """Logs each warning once.

    Args:
        log: Where a new warning goes.
    """

    def __init__(self, log: Callable[[str], object] = logger.warning) -> None:
        self._log = log
        self._logged: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, message: str) -> None:
        """Logs a message, unless it was logged before."""
        with self._lock:
            is_new = message not in self._logged
            self._logged.add(message)
        if is_new:
            self._log(message)


@dataclass
class DailyRun:
    """State shared by the reads of one run: settings, connection, warnings, and days that are read ahead.

    Attributes:
        report: The report.
        config: The parameters.
        session: The run's view of the client.
        at_once: Days in flight at once.
        warn: Logs a warning once.
        on_day: Called with each day that was read.
        organization: The credential's own organization, once it is identified.
        undecoded: Days whose content did not decode, with the reason.
    """

    report: DailyReport
    config: SourceConfig
    session: Session
    at_once: int
    warn: Callable[[str], object] = field(default_factory=OnceLogger)
    on_day: Callable[[ShapedDay | FetchedDay], object] = lambda day: None
    organization: str | None = None
    undecoded: dict[dt.date, UndecodableDay] = field(default_factory=dict)
    _allowed: frozenset[str] | None = None

    def identify(self, proof: Proof | None) -> None:
        """Finds the credential's own organization (decision D3).

        Args:
            proof: What the warehouse holds; None where it could not be queried.

        Raises:
            ConfigurationError: The organization cannot be known, or the dataset belongs to others.
            ApiError: The API did not return it, for a passing reason.
        """
        named = self.session.organization()
        known = proof.organizations if proof else ()
        if named.id is not None:
            others = [name for name in known if named.id not in (proof or Proof()).spellings(name)]
            if proof and proof.has_unresolved_days and others:
                raise ConfigurationError(
                    f"the dataset has days of an unknown organization beside {', '.join(others)}, so days of "
                    f"{named.id} cannot be kept apart; load them into another dataset"
                )
            self.organization = named.id
            return
        if len(known) > 1:
            raise ConfigurationError(
                f"the API did not name the organization ({named.problem}) and the dataset holds "
                f"{', '.join(known)}: use a key that may read /v1/organizations/me, or another dataset"
            )
        if known and proof:
            self.organization = known[0]
            self._allowed = frozenset(proof.spellings(known[0]))
            return
        self.warn(
            f"the API did not name the organization ({named.problem}); records keep their own id, days without "
            f"records belong to {UNKNOWN_ORGANIZATION!r}"
        )

    def check_identity(self, proof: Proof) -> None:
        """Warns where loaded days treat actors in another way than this run (decision D11)."""
        label = self.config.actors().label
        states = proof.of(self.organization).values()
        others = [state.actor_identity for state in states if state.records and state.actor_identity != label]
        if others:
            self.warn(
                f"{len(others)} loaded days have actor_identity {others[0]}, this load writes {label}: backfill them "
                "to have all days alike"
            )

    @cached_property
    def reader(self) -> Prefetcher[ShapedDay | FetchedDay]:
        """Reads days ahead, and shapes those that are as documented in the thread that read them.

        A day with anything else is shaped in its turn, because the types of new columns depend on the order of days.
        """
        actors = self.config.actors()
        shaping = threading.Lock()

        def read(day: dt.date) -> ShapedDay | FetchedDay:
            began = self.session.now()
            try:
                fetched = self.report.fetch(self.session, day)
            except UndecodableDay as error:  # nested too deep to find the next page in it
                self.undecoded[day] = error
                return FetchedDay(day, (), 0, error.request_id, began)
            with shaping:  # side by side they would only take more memory
                return self.report.shape_documented(fetched, self.organization, actors) or fetched

        return Prefetcher(read, at_once=self.at_once, size_of=lambda day: day.nbytes, on_stop=self.session.cancel)

    def shaped(self, days: Sequence[dt.date], extra: ExtraColumns) -> Iterator[ShapedDay | FetchedDay]:
        """Reads days and yields them as tables, in the order given; a day that does not decode as it was fetched.

        Args:
            days: The days.
            extra: Columns beyond the declared ones.

        Raises:
            ApiError: A day could not be read whole.
        """
        shaping = Shaping(organization_id=self.organization, actors=self.config.actors(), extra=extra)
        for item in self.reader.results(days, signals.raise_if_signalled):
            day: ShapedDay | FetchedDay = item
            if isinstance(day, FetchedDay) and day.date not in self.undecoded:
                try:
                    day = self.report.shape(day, shaping)
                except UndecodableDay as error:
                    self.undecoded[item.date] = error
            if isinstance(day, FetchedDay):
                logger.error("%s; the other days are loaded", self.undecoded[day.date])
            if isinstance(day, ShapedDay):
                self._check_organizations(day)
            self.on_day(day)
            yield day

    def _check_organizations(self, day: ShapedDay) -> None:
        """Refuses records of a foreign organization where the own id is only inferred from the dataset."""
        if self._allowed is None:
            return
        root = day.tables[self.report.tables[0].name]
        foreign = set(root["organization_id"].unique().to_pylist()) - self._allowed
        if foreign:
            raise UnexpectedResponse(
                f"records belong to organization {min(foreign)[:60]}, the dataset to {self.organization}, and the API "
                "does not name the credential's own; load them into another dataset",
                day=day.date,
                request_id=day.request_id,
            )

    def close(self) -> None:
        """Stops what is under way."""
        if "reader" in self.__dict__:
            self.reader.stop()
        self.session.cancel()
