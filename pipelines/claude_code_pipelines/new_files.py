"""Modes of new files: those of a load are for their owner alone, those that a user asks for follow the user's umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_umasks: list[int] = []  # of the user, once the program has its own


def keep_new_files_private() -> None:
    """Lets only the owner of new files read them: they hold names and addresses (D11)."""
    _umasks.append(os.umask(0o077))


@contextmanager
def users_umask() -> Iterator[None]:
    """Applies the user's umask for a while."""
    programs = os.umask(_umasks[-1]) if _umasks else None
    try:
        yield
    finally:
        if programs is not None:
            os.umask(programs)
