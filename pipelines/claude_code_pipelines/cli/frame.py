"""Frame of a command: log and progress on standard error, results on standard output, errors as exit codes."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from shutil import which
from typing import Any

import click

from claude_code_analytics import ApiError, ClaudeCodeAnalyticsError
from claude_code_analytics.foreign_text import printable

from ..console import messages
from ..console.progress import Display, display
from ..defaults import PROGRAM
from ..error_messages import translate_errors
from ..events import DaysNotHeld
from ..exit_codes import INCOMPLETE, exit_code, is_mistake
from ..signals import describe_interruption
from ..visible_text import visible
from ..warehouse import Warehouse


@contextmanager
def reported(progress: str = "none", *, loads: bool = False) -> Iterator[Display]:
    """Shows progress and log while a command works, and turns every error into one line and an exit code.

    With `loads` it also reports what is committed when the command stops.
    """
    shown = display(progress)
    if loads:
        describe_interruption(lambda: f"interrupted; {messages.stopped(shown.committed_days)}")
    logger = logging.getLogger("claude_code_analytics")
    handler = _LogHandler(shown)
    logger.addHandler(handler)
    try:
        with shown, translate_errors():
            yield shown
    except (ClaudeCodeAnalyticsError, OSError) as error:
        click.echo(f"error: {printable(str(error))}", err=True)
        is_about_days = isinstance(error, (ApiError, DaysNotHeld)) and not is_mistake(error)
        if shown.committed_days or (loads and is_about_days):
            click.echo(messages.stopped(shown.committed_days), err=True)
        raise click.exceptions.Exit(exit_code(error, has_committed=bool(shown.committed_days))) from None
    finally:
        logger.removeHandler(handler)


class _LogHandler(logging.Handler):
    def __init__(self, shown: Display) -> None:
        super().__init__(logging.WARNING)
        self._shown = shown

    def emit(self, record: logging.LogRecord) -> None:
        self._shown.print(f"{record.levelname.lower()}: {printable(record.getMessage())}")


@contextmanager
def standard_output() -> Iterator[None]:
    """Ends a command whose result cannot be written."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        click.echo(f"error: standard output cannot be written: {error.strerror}", err=True)
        raise click.exceptions.Exit(INCOMPLETE) from None


def print_lines(lines: Iterable[str]) -> None:
    """Prints lines; ids and other text from outside lose their control characters, line breaks too."""
    text = "\n".join(map(visible, lines))
    with standard_output():
        click.echo(text)


def print_json(value: Any) -> None:
    """Prints JSON: days as `YYYY-MM-DD`, times as RFC 3339, amounts of money as text."""
    with standard_output():
        click.echo(json.dumps(value, indent=2, default=_text))


def _text(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value.isoformat())


def next_command(target: Warehouse, command: str) -> str:
    """Names the next command, with the options that lead to the same warehouse."""
    chosen = (("destination", target.destination), ("dataset", target.dataset), ("pipeline", target.pipeline))
    options = [f" --{name} {shlex.quote(value)}" for name, value in chosen if value != getattr(Warehouse, name)]
    # not on the path, the program is named as it was started
    program = sys.argv[0] if Path(sys.argv[0]).name == PROGRAM and not which(PROGRAM) else PROGRAM
    return f"next: {shlex.quote(program)} {command}{''.join(options)}"
