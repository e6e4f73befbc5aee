"""Entry point of the command line: all that belongs to its process, in place before the first command is loaded."""

from __future__ import annotations

import codecs
import errno
import gc
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from .new_files import keep_new_files_private
from .signals import end_at_signals
from .visible_text import encodable

# For dlt, unless the environment says otherwise: a demo needs no network, and a signal gets one message.
_DLT = {"LOG_LEVEL": "CRITICAL", "DLTHUB_TELEMETRY": "false", "INTERCEPT_SIGNALS": "false"}
# Variables that set the encoding of files and pipes.
_ENCODING_SETTINGS = ("PYTHONIOENCODING", "LC_ALL", "LC_CTYPE", "LANG")


class _Pipe(io.FileIO):
    """A standard stream whose reader may leave, which changes no exit code. Nor does a full disk behind the log."""

    def write(self, data: Any) -> int:
        with suppress(OSError if self.fileno() == 2 else BrokenPipeError):
            return super().write(data)
        return len(data)


class _Dropped(io.RawIOBase):
    """Takes the place of a closed standard error."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


class _Closed(_Dropped):
    """Takes the place of a closed standard output."""

    def write(self, data: Any) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


class Stream(io.TextIOWrapper):
    """A stream in the place of a standard one; plain characters stand in for those that its encoding lacks.

    None is one that the caller closed (`>&-`): a result is then an error, and the log is dropped.
    """

    def __init__(self, stream: TextIO | None, instead: type[io.RawIOBase] = _Dropped) -> None:
        raw = _Pipe(stream.fileno(), "w", closefd=False) if stream else instead()
        self._codec = _encoding(stream)
        # click takes ASCII for a mistake, and would write UTF-8 past this stream
        declared = "utf-8" if codecs.lookup(self._codec).name == "ascii" else self._codec
        super().__init__(io.BufferedWriter(raw), declared, line_buffering=True)

    def write(self, text: str) -> int:
        return super().write(encodable(text, self._codec))


def _encoding(stream: TextIO | None) -> str:
    """Returns the encoding of a terminal, or what the environment sets; else UTF-8, also in pipes on Windows."""
    if stream and (stream.isatty() or any(map(os.environ.get, _ENCODING_SETTINGS))):
        return stream.encoding
    return "utf-8"


def main() -> None:
    """Runs the command line in a process of its own, and ends that."""
    end_at_signals()
    sys.stdout, sys.stderr = Stream(sys.stdout, _Closed), Stream(sys.stderr)
    keep_new_files_private()
    gc.set_threshold(100_000, 50, 100)  # looking for cycles in the many objects of dlt takes a tenth of the time
    for name, value in _DLT.items():
        os.environ.setdefault(f"RUNTIME__{name}", value)
    from .cli import commands  # now that signals are handled

    try:
        commands.main(sys.argv[1:])
    except SystemExit as ended:
        with suppress(OSError):
            sys.stdout.flush()
        # A request may still wait for its response in a daemon thread, and DuckDB complains of threads at exit.
        os._exit(int(ended.code or 0))


if __name__ == "__main__":
    main()
