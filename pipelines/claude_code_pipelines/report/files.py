"""Files of the report: the page, and its tables as CSV and as a workbook, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import EINVAL, ENOENT
from pathlib import Path
from shutil import copymode
from typing import BinaryIO
from uuid import uuid4

from claude_code_analytics import ConfigurationError
from claude_code_analytics.foreign_text import printable

from ..metrics.csv_text import csv_of
from ..metrics.figures import Figures
from ..metrics.headlines import headlines
from ..metrics.tables import Column, Kind, Table
from ..new_files import users_umask
from .downloads import csv_name
from .page import page_of
from .workbook import workbook_of

STANDARD_OUTPUT = Path("-")


def write_report(
    figures: Figures,
    output: Path,
    csv_folder: Path | None = None,
    workbook: Path | None = None,
    stream: BinaryIO | None = None,
) -> list[Path]:
    """Writes the page, and its tables as CSV and as a workbook.

    Args:
        figures: The numbers.
        output: The HTML file; an existing one is replaced once the new one is whole. `-` is the stream.
        csv_folder: Folder for CSV files, made where it is missing. Those of another report of the same days go.
        workbook: The XLSX file, as `output`.
        stream: Standard output.

    Returns:
        The files.

    Raises:
        ConfigurationError: A file cannot be written, two have one name, or the extra `report` is not installed.
    """
    if workbook is not None and workbook.resolve() == output.resolve():
        raise ConfigurationError(
            f"--output and --xlsx are both {printable(str(output))}; choose another for one of them"
        )
    contents = _contents(figures, output, csv_folder, workbook)
    streamed = contents.pop(STANDARD_OUTPUT, b"")
    with _refusing(output), users_umask():
        if csv_folder is not None:
            csv_folder.mkdir(parents=True, exist_ok=True)
        _replace_all({_writable(file): content for file, content in contents.items()})
        _remove(_stale(figures, csv_folder, contents) if csv_folder is not None else ())
    if stream is not None:
        stream.write(streamed)
    return list(contents)


@contextmanager
def _refusing(output: Path) -> Iterator[None]:
    """Turns an error of the file system into one line; without a name, it is about the page."""
    try:
        yield
    except OSError as error:
        reason = printable(error.strerror or str(error))
        file = printable(str(error.filename2 or error.filename or output))
        raise ConfigurationError(f"{file} cannot be written: {reason}; choose another place") from None


def _contents(figures: Figures, output: Path, csv_folder: Path | None, workbook: Path | None) -> dict[Path, bytes]:
    page, tables = page_of(figures)
    contents = {output: page.encode()}
    if csv_folder is not None:
        for table in (headline_table(figures), *tables):
            contents[csv_folder / csv_name(table.name, figures)] = csv_of(table).encode()
    if workbook is not None:
        contents[workbook] = workbook_of(figures, tables)
    return contents


def headline_table(figures: Figures) -> Table:
    """Returns the headline numbers as a table."""
    columns = (Column("Number", Kind.TEXT), Column("Period"), Column("Before"), Column("Change"))
    rows = [(each.name, each.value, each.before, each.change) for each in headlines(figures)]
    return Table("headlines", columns, rows)


def _stale(figures: Figures, folder: Path, written: Iterable[Path]) -> Iterator[Path]:
    """Yields the files of tables that a report of the same days had, and this one has not."""
    yield from set(folder.glob(csv_name("*", figures))) - set(written)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        if file.is_file():
            file.unlink()


def _writable(file: Path) -> Path:
    """Returns the file behind links.

    Raises:
        OSError: It exists and is not a file.
    """
    file = file.resolve()
    if not file.parent.is_dir():
        raise OSError(ENOENT, "there is no such folder", str(file.parent))
    if file.exists() and not file.is_file():
        raise OSError(EINVAL, "it exists and is not a file", str(file))
    return file


def _replace_all(contents: Mapping[Path, bytes]) -> None:
    """Writes all files whole or none. A file that exists keeps its mode."""
    partial = {file: file.with_name(f".{file.name}.{uuid4().hex}") for file in contents}
    try:
        for file, made in partial.items():
            with made.open("xb") as written:
                if file.exists():
                    copymode(file, made)
                written.write(contents[file])
        for file, made in partial.items():
            made.replace(file)
    finally:
        for made in partial.values():
            made.unlink(missing_ok=True)
