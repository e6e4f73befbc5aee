"""Files of the report: the page, and its tables as CSV, each written whole or not at all."""

from __future__ import annotations

from errno import EINVAL, ENOENT
from pathlib import Path
from tempfile import NamedTemporaryFile

from claude_code_analytics import ConfigurationError
from claude_code_analytics.foreign_text import printable

from ..metrics.csv_text import csv_of
from ..metrics.figures import Figures
from ..metrics.headlines import headlines
from ..metrics.tables import Column, Kind, Table
from .page import page_of


def write_report(figures: Figures, output: Path, csv_folder: Path | None = None) -> list[Path]:
    """Writes the page, and its tables as CSV.

    Args:
        figures: The numbers.
        output: The HTML file; an existing one is replaced once the new one is whole.
        csv_folder: Folder for CSV files, made where it is missing.

    Returns:
        The files.

    Raises:
        ConfigurationError: A file cannot be written, or the extra `report` is not installed.
    """
    page, tables = page_of(figures)
    contents = {output: page}
    if csv_folder is not None:
        contents |= {csv_folder / f"{table.name}.csv": csv_of(table) for table in (headline_table(figures), *tables)}
    try:
        if csv_folder is not None:
            csv_folder.mkdir(parents=True, exist_ok=True)
        _replace_all({_writable(file): text for file, text in contents.items()})
    except OSError as error:
        reason = printable(error.strerror or str(error))
        file = printable(str(error.filename2 or error.filename or output))
        raise ConfigurationError(f"{file} cannot be written: {reason}; choose another --output or --csv") from None
    return list(contents)


def headline_table(figures: Figures) -> Table:
    """Returns the headline numbers as a table."""
    columns = (Column("Number", Kind.TEXT), Column("Period"), Column("Before"), Column("Change"))
    rows = [(each.name, each.value, each.before, each.change) for each in headlines(figures)]
    return Table("headlines", columns, rows)


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


def _replace_all(contents: dict[Path, str]) -> None:
    """Writes all files whole or none."""
    partial: dict[Path, Path] = {}
    try:
        for file, text in contents.items():
            with NamedTemporaryFile(
                "w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False
            ) as written:
                partial[file] = Path(written.name)
                written.write(text)
        for file, made in partial.items():
            made.replace(file)
    finally:
        for made in partial.values():
            made.unlink(missing_ok=True)
