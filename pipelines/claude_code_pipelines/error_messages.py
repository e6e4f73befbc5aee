"""Error translation: dlt's and the drivers' errors in one line, with the fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    DestinationHasFailedJobs,
    DestinationLoadingViaStagingNotSupported,
    DestinationNoStagingMode,
    UnknownDestinationModule,
)
from dlt.common.exceptions import DltException, MissingDependencyException
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import InvalidPipelineName

from claude_code_analytics import ClaudeCodeAnalyticsError, ConfigurationError, DestinationError
from claude_code_analytics.foreign_text import printable
from claude_code_analytics.warehouse.destinations import NAMES

_PASSWORD = re.compile(r"""(?<=://)[^\s"']*@|(?<=host name ")[^"]*@""")  # a password may hold @ and / unescaped
# What drivers add that is of no use here: Postgres quotes our SQL, DuckDB advertises its read-only mode.
_NOISE = re.compile(r"\nLINE \d+:.*|\nHINT:  Use DROP.*|\. However, you would be able to open.*", re.DOTALL)
_LONGEST = 300

_THEN_AGAIN = "then run the same command again"

# Drivers' messages, in any case of letters, and the fix, which may quote a group; the first match counts. The first
# group are mistakes in dlt's configuration, the second are states of the warehouse.
_MISTAKES = (
    (
        r"password authentication|authentication failed|no password supplied|incorrect username or password|"
        r"could not .*authenticate|invalid_grant|JWT token is invalid|role \S+ does not exist",
        "check user, password or key in dlt's configuration",
    ),
    (
        # BigQuery reports a dataset in another location just like one that the account may not see
        r"not found in location|in location \S+",
        "set `location` in [destination.bigquery] to that of the dataset, or choose another --dataset",
    ),
    (r"\[Errno 17\] File exists", "that folder was not made by a load: choose another --dataset, or move it away"),
    (r"is not a view|is of type Table", "a table of yours has the name of a view: rename it"),
    (
        r"name of view column|columns from view|type of view column",
        "the view of an earlier version has other columns: drop it, with what reads it, and run `views` again",
    ),
    (r"database \S+ does not exist", "create it, or name another in dlt's configuration"),
    (
        r"Cannot open file .*No such file or directory|not a valid DuckDB database|Is a directory",
        "check the path in dlt's configuration (destination.duckdb.credentials)",
    ),
)
_STATES = (
    (
        r"Could not set lock on file.*?\(PID (?P<pid>\d+)\)",
        rf"another program has the file open (PID \g<pid>): close it there, {_THEN_AGAIN}",
    ),
    (
        r"lock timeout|statement timeout|could not obtain lock",
        "another session holds a lock on a table, perhaps a reader that is idle in a transaction: end it, "
        f"{_THEN_AGAIN}",
    ),
    (
        r"permission denied|access denied|insufficient privileges|not authorized|must be owner|read-only",
        f"grant the loading user that right (docs/destinations.md), {_THEN_AGAIN}",
    ),
    (
        r"out of memory|could not allocate",
        "give the destination more memory (DuckDB: memory_limit), or load fewer days at once with --window-days",
    ),
    (
        r"no space left|disk full|disk is full|could not extend file|out of disk|quota",
        f"make room there, {_THEN_AGAIN}",
    ),
    (
        r"connection refused|connection .*closed|server closed|terminating connection|starting up|shutting down|"
        r"could not translate host|name or service not known|timed out|timeout expired|no route to host|"
        r"network is unreachable|recovery mode",
        f"check that the warehouse runs and can be reached, {_THEN_AGAIN}",
    ),
)
_REJECTED_ROWS = (
    "If a table was changed by hand, undo the change, or drop all tables claude_code_* and run the same command again: "
    "all days are read again"
)


@contextmanager
def translate_errors(step: str = "the destination failed") -> Iterator[None]:
    """Turns dlt's errors into this project's, one line each and without credentials; `step` names what failed."""
    try:
        yield
    except (DltException, ImportError) as error:
        raise _translated(error, step) from None


def _translated(error: BaseException, step: str) -> BaseException:
    causes = list(_causes(error))
    own = next((cause for cause in causes if isinstance(cause, (ClaudeCodeAnalyticsError, KeyboardInterrupt))), None)
    return own or _mistake(causes) or _rejection(causes) or _failure(causes, step)


def _mistake(causes: Iterable[BaseException]) -> ConfigurationError | None:
    """Returns the error for a mistake in dlt's configuration or in the installation."""
    for cause in causes:
        for kind, message in _DLT_ERRORS:
            if isinstance(cause, kind):
                return ConfigurationError(message(cause))
    return None


def _rejection(causes: Iterable[BaseException]) -> DestinationError | None:
    """Returns the error for a table that rejects rows."""
    reported: BaseException
    for cause in causes:
        if isinstance(cause, LoadClientJobException):
            table, reported = cause.job_id.split(".")[0], cause.client_exception
        elif isinstance(cause, DestinationHasFailedJobs) and cause.failed_jobs:
            job = cause.failed_jobs[0]
            table = job.job_file_info.table_name
            # all but the last line of a stored failure is a traceback
            reported = DestinationError((job.failed_message or "").strip().rpartition("\n")[2])
        else:
            continue
        return DestinationError(_with_fix(f"loading table {table} failed", reported, _REJECTED_ROWS))
    return None


def _failure(causes: Sequence[BaseException], step: str) -> ConfigurationError | DestinationError:
    """Returns the error for all else, by what the driver reported or by the driver that is missing."""
    if isinstance(causes[0], ImportError):
        return ConfigurationError(f"the destination's driver cannot be used: {one_line(causes[0])}")
    # an import that failed is only why dlt took another way, which then failed
    root = next((cause for cause in reversed(causes) if not isinstance(cause, ImportError)), causes[0])
    kind = ConfigurationError if _fix(root, _MISTAKES) else DestinationError
    return kind(_with_fix(step, root))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and what led to it, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _missing_settings(error: Any) -> str:
    """Names the settings that dlt misses; its own text runs over many lines."""
    wanted = [max(_keys(traces), key=len, default=name) for name, traces in error.traces.items()]
    missing = [key.rpartition("__")[2].lower() for key in wanted]
    return (
        f"{error.spec_name} lacks {', '.join(missing)}: set {', '.join(wanted)} in the environment, or the same "
        "in .dlt/secrets.toml (docs/destinations.md)"
    )


def _keys(traces: Iterable[Any]) -> list[str]:
    """Returns the variables in which dlt looked for a setting; a group that lacks several fields counts as one."""
    found = []
    for each in traces:
        if isinstance(each, LookupTraces):
            keys = [key for fields in each.traces.values() for key in _keys(fields)]
            found += keys if len(each.traces) == 1 else [key.rsplit("__", 1)[0] for key in keys]
        elif each.key.startswith("DESTINATION__"):
            found.append(each.key)
    return found


def _unreadable_setting(error: Any) -> str:
    """Names the setting without its value: it may be a secret."""
    place = ".".join(error.embedded_sections)
    return f"{error.spec.__name__} cannot read {place} in dlt's configuration; docs/destinations.md shows its form"


# What dlt raises for mistakes in configuration or installation, and the line for each; the first match counts.
_DLT_ERRORS: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (UnknownDestinationModule, lambda error: f"dlt knows no such destination; use one of {NAMES}"),
    (DestinationNoStagingMode, lambda error: "files can only be staged in a bucket: use --staging filesystem"),
    (
        DestinationLoadingViaStagingNotSupported,
        lambda error: f"the destination {error.destination} takes no files from a bucket; leave staging out",
    ),
    (ConfigFieldMissingException, _missing_settings),
    (InvalidNativeValue, _unreadable_setting),
    (InvalidPipelineName, lambda error: one_line(error)),
    (ConfigurationException, lambda error: one_line(error)),
    (MissingDependencyException, lambda error: one_line(error)),
)


def _with_fix(step: str, error: BaseException, otherwise: str = "") -> str:
    """Returns what failed, what the driver reported, and the fix."""
    fix = _fix(error, (*_MISTAKES, *_STATES))
    reported = one_line(error).rstrip(". ?")
    return f"{step}: {reported}" + (f"; {fix}" if fix else f". {otherwise}" if otherwise else "")


def _fix(error: BaseException, known: Iterable[tuple[str, str]]) -> str | None:
    matches = ((re.search(pattern, str(error), re.IGNORECASE | re.DOTALL), fix) for pattern, fix in known)
    return next((match.expand(fix) for match, fix in matches if match), None)


def one_line(error: BaseException) -> str:
    """Returns an error's text as one line, shortened, without passwords and control characters."""
    text = printable(_NOISE.sub("", str(error))) or type(error).__name__
    return shorten(_PASSWORD.sub("***@", text), _LONGEST, placeholder=" ...")
