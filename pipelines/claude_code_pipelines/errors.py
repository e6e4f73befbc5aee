"""Errors of dlt and its drivers as this project's: one sentence each, with the step that failed and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from textwrap import shorten
from typing import Any

from dlt.common.configuration.exceptions import (
    ConfigFieldMissingException,
    ConfigurationException,
    InvalidNativeValue,
    LookupTraces,
)
from dlt.common.destination.exceptions import (
    DestinationLoadingViaStagingNotSupported,
    DestinationNoStagingMode,
    UnknownDestinationModule,
)
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.destinations.exceptions import DatabaseException, DestinationConnectionError
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import InvalidPipelineName

from claude_code_analytics import ClaudeCodeAnalyticsError, ConfigurationError, DestinationError

from .advice import advice

_PASSWORD = re.compile(r"""(?<=://)[^\s"']*@|(?<=host name ")[^"]*@""")
"""Also where a password was not escaped: what follows its @ or / is then taken for a host or a database."""
_LONGEST = 300
_SHOWN_SQL = re.compile(r"\nLINE \d+:.*", re.DOTALL)
"""Where Postgres shows the place in the SQL, which nobody wrote who reads this."""


@contextmanager
def plain_errors(step: str = "the destination did not do its part") -> Iterator[None]:
    """Turns dlt's errors into this project's, one sentence each and without credentials.

    Args:
        step: What failed, as the sentence begins where the destination is to blame.

    Raises:
        ClaudeCodeAnalyticsError: The one that dlt wrapped, or one made from dlt's.
    """
    try:
        yield
    except (DltException, ImportError) as error:
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, (ClaudeCodeAnalyticsError, KeyboardInterrupt)):
                raise cause from None
        for cause in causes:
            if isinstance(cause, UnknownDestinationModule):
                what = "dlt knows no such destination; try duckdb, bigquery, snowflake or postgres"
                raise ConfigurationError(what) from None
            if isinstance(cause, DestinationNoStagingMode):
                what = "files can only be staged in a bucket: use --staging filesystem"
                raise ConfigurationError(what) from None
            if isinstance(cause, DestinationLoadingViaStagingNotSupported):
                what = f"the destination {cause.destination} takes no files from a bucket; leave staging out"
                raise ConfigurationError(what) from None
            if isinstance(cause, ConfigFieldMissingException):
                raise ConfigurationError(_missing(cause)) from None
            if isinstance(cause, InvalidNativeValue):
                raise ConfigurationError(_unreadable(cause)) from None
            if isinstance(cause, _MISTAKES):
                raise ConfigurationError(sentence(cause)) from None
        if isinstance(error, ImportError):
            raise ConfigurationError(f"the destination's driver cannot be used: {sentence(error)}") from None
        for cause in causes:
            if isinstance(cause, LoadClientJobException):
                step = f"the destination took nothing for table {cause.job_id.split('.')[0]}"
                raise DestinationError(advised(step, cause.client_exception, _CHANGED_TABLE)) from None
        # an import that failed is only why dlt went another way, which then failed
        root = next((cause for cause in reversed(causes) if not isinstance(cause, ImportError)), error)
        if any(isinstance(cause, (DestinationConnectionError, DatabaseException)) for cause in causes):
            raise DestinationError(advised(step, root)) from None
        raise DestinationError(advised(step, root)) from error


_MISTAKES = (InvalidPipelineName, ConfigurationException, MissingDependencyException)
"""What dlt raises for mistakes in configuration or installation."""
_CHANGED_TABLE = (
    "If somebody changed the table, put it back as it was, or remove all tables claude_code_* and run the same command "
    "again: days are then read anew"
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _missing(error: ConfigFieldMissingException) -> str:
    """Which settings of dlt are missing, and what they are called; its own text runs over many lines."""
    wanted = [max(_keys(traces), key=len, default=name) for name, traces in error.traces.items()]
    return (
        f"{error.spec_name} lacks {', '.join(error.fields)}: set {', '.join(wanted)} in the environment, or the same "
        "in .dlt/secrets.toml (docs/destinations.md)"
    )


def _keys(traces: Iterable[Any]) -> list[str]:
    """Where dlt looked for a setting of a destination: names in the environment. A group is named for its fields."""
    found = []
    for each in traces:
        if isinstance(each, LookupTraces):
            found += [key.rsplit("__", 1)[0] for fields in each.traces.values() for key in _keys(fields)]
        elif each.key.startswith("DESTINATION__"):
            found.append(each.key)
    return found


def _unreadable(error: InvalidNativeValue) -> str:
    """That a setting is of no use, without the setting: it may be a secret, and dlt tells its form at length."""
    place = ".".join(error.embedded_sections)
    return (
        f"dlt's configuration has {place} that {error.spec.__name__} cannot read: see docs/destinations.md for its form"
    )


def advised(step: str, error: BaseException, otherwise: str = "") -> str:
    """What failed, what was said, and what to do about it."""
    said = sentence(error).rstrip(". ?")
    known = advice(str(error))
    return f"{step}: {said}" + (f"; {known}" if known else f". {otherwise}" if otherwise else "")


def sentence(error: BaseException) -> str:
    """The first lines of an error as one line, shortened, without passwords."""
    text = " ".join(_SHOWN_SQL.sub("", str(error)).split()) or type(error).__name__
    return shorten(_PASSWORD.sub("***@", text), _LONGEST, placeholder=" ...")
