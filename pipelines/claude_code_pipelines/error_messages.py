"""Error translation: dlt's and the drivers' errors in one line, with the fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from dlt.common.destination.exceptions import DestinationHasFailedJobs
from dlt.common.exceptions import DltException
from dlt.load.exceptions import LoadClientJobException

from claude_code_analytics import ClaudeCodeAnalyticsError, ConfigurationError, DestinationError

from .configuration_mistakes import MISTAKES, missing_module
from .driver_text import one_line

_THEN_AGAIN = "then run the same command again"

# Messages of Python, dlt and the drivers that are about a setting and do not name it, and what is said instead.
_REWORDED = (
    (
        r"invalid dsn|invalid connection option",
        "the warehouse's address is not one that Postgres accepts; write postgresql://user:password@host:5432/database",
    ),
    (r"^Unknown level: (.*)", r"runtime.log_level is \1; use DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    (r"^invalid format: (.*)", r"runtime.log_format cannot be used: \1; leave it out"),
    (
        r"max_workers must be greater than 0",
        "load.workers and normalize.workers (LOAD__WORKERS, NORMALIZE__WORKERS) must be 1 or more",
    ),
    (r"cannot find context for (.*)", r"normalize.start_method is \1, which Python does not have; leave it out"),
)

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
    (r"\[Errno 17\] File exists", "a load did not make that folder: choose another --dataset, or move the folder away"),
    (r"invalid port number|invalid sslmode", "check the warehouse's address in dlt's configuration"),
    (
        r"unacceptable schema name|system catalog|temporary catalog|Ambiguous reference to catalog or schema",
        "the database does not allow a dataset of that name: choose another --dataset",
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
        r"must be owner|privileges to operate on view",
        "only its owner can do that: let the owner run the same command, or make this user the owner",
    ),
    (
        r"row-level security",
        f"it must not apply to this user: load as the tables' owner, or ALTER ROLE ... BYPASSRLS, {_THEN_AGAIN}",
    ),
    (r"a trigger or a rule keeps rows", f"drop it from the table, {_THEN_AGAIN}, or load into another --dataset"),
    (
        r"permission denied|access denied|insufficient privileges|not authorized|read-only",
        f"grant this user that right (docs/destinations.md#rights), {_THEN_AGAIN}",
    ),
    (
        r"out of memory|could not allocate",
        "give the destination more memory (DuckDB: memory_limit), or load fewer days at once with --window-days",
    ),
    (
        r"no space left|disk full|disk is full|could not extend file|out of disk|quota|file too large",
        f"make room there, {_THEN_AGAIN}",
    ),
    (
        r"connection refused|connection .*closed|server closed|terminating connection|starting up|shutting down|"
        r"could not translate host|name or service not known|timed out|timeout expired|no route to host|"
        r"network is unreachable|recovery mode",
        f"check that the warehouse runs and can be reached, {_THEN_AGAIN}",
    ),
)
# Of a table that rejects rows for any other reason. Nothing here is a reason to drop a table: other rows are in it.
_REJECTED_ROWS = (
    (
        r"violates|constraint|null value|conversion error|cannot cast|invalid input|type mismatch|not updatable",
        f"if somebody changed the table, undo that, {_THEN_AGAIN}, or load into another --dataset",
    ),
    (r"", "run the same command again; if that fails too, load into another --dataset"),
)


@contextmanager
def translate_errors(step: str = "the destination failed") -> Iterator[None]:
    """Turns dlt's errors into this project's, one line each and without credentials; `step` names what failed."""
    try:
        yield
    except (DltException, ImportError) as error:
        raise _translated(error, step) from None
    except ValueError as error:  # of dlt's logging, say; any other is a mistake of ours
        if isinstance(error, ClaudeCodeAnalyticsError) or not (reworded := _fix(error, _REWORDED)):
            raise
        raise ConfigurationError(reworded) from None


def _translated(error: BaseException, step: str) -> BaseException:
    causes = list(_causes(error))
    own = next((cause for cause in causes if isinstance(cause, (ClaudeCodeAnalyticsError, KeyboardInterrupt))), None)
    return own or _mistake(causes) or _rejection(causes) or _failure(causes, step)


def _mistake(causes: Iterable[BaseException]) -> ConfigurationError | None:
    """Returns the error for a mistake in dlt's configuration or in the installation."""
    for cause in causes:
        for kind, message in MISTAKES:
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
        return ConfigurationError(missing_module(causes[0]))
    # an import that failed is only why dlt took another way, which then failed
    root = next((cause for cause in reversed(causes) if not isinstance(cause, ImportError)), causes[0])
    if reworded := _fix(root, _REWORDED):
        return ConfigurationError(reworded)
    kind = ConfigurationError if _fix(root, _MISTAKES) else DestinationError
    return kind(_with_fix(step, root))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and what led to it, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _with_fix(step: str, error: BaseException, others: Iterable[tuple[str, str]] = ()) -> str:
    """Returns what failed, what the driver reported, and the fix."""
    fix = _fix(error, (*_MISTAKES, *_STATES, *others))
    reported = one_line(error).rstrip(". ?")
    return f"{step}: {reported}" + (f"; {fix}" if fix else "")


def _fix(error: BaseException, known: Iterable[tuple[str, str]]) -> str | None:
    matches = ((re.search(pattern, str(error), re.IGNORECASE | re.DOTALL), fix) for pattern, fix in known)
    return next((match.expand(fix) for match, fix in matches if match), None)
