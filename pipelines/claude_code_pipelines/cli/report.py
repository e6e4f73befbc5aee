"""The command `report`."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..defaults import REPORT_FILE
from .options import reading, with_request, with_warehouse

if TYPE_CHECKING:
    from ..metrics.figures import Request
    from ..warehouse import Warehouse

_FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("report")
@with_warehouse
@reading
@with_request
@click.option("--output", type=_FILE, default=REPORT_FILE, help="HTML file to write; - for standard output.")
@click.option("--csv", "csv_folder", type=_FOLDER, help="Folder to write its tables to, as CSV.")
@click.option("--xlsx", "workbook", type=_FILE, help="Workbook to write its tables to; - for standard output.")
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
def command(
    target: Warehouse,
    now: dt.datetime,
    request: Request,
    output: Path,
    csv_folder: Path | None,
    workbook: Path | None,
    opened: bool,
) -> None:
    """Write a self-contained HTML report.

    It shows usage, acceptance, cost, people and data quality. Opening it loads nothing from the network.
    """
    from ..extras import extra
    from ..metrics.figures import read_figures
    from ..report.files import STANDARD_OUTPUT, write_report
    from .frame import print_lines, standard_output

    for module in ("vl_convert", *(["xlsxwriter"] if workbook else [])):
        extra(module)  # refuses before the warehouse is read
    figures = read_figures(target, request, now)
    with standard_output():
        written = write_report(figures, output, csv_folder, workbook, sys.stdout.buffer)
    if STANDARD_OUTPUT in (output, workbook):
        return
    names = [str(output), *([f"{workbook}"] if workbook else [])]
    tables = [f"{len(written) - len(names)} tables in {csv_folder}"] if csv_folder else []
    print_lines([f"wrote {' and '.join([*names, *tables])}"])
    if opened:
        click.launch(str(output))
