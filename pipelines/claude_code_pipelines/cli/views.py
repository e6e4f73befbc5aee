"""The command `views`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from .options import with_warehouse

if TYPE_CHECKING:
    from ..warehouse import Warehouse


@click.command("views")
@with_warehouse
@click.option("--print", "printed", is_flag=True, help="Print their SQL for the destination, and touch nothing.")
@click.option(
    "--as",
    "written",
    type=(click.Choice(["dbt"]), click.Path(path_type=Path)),
    metavar="dbt DIR",
    help="Write them as a dbt package for the destination, and touch nothing else.",
)
def command(target: Warehouse, printed: bool, written: tuple[str, Path] | None) -> None:
    """Create the views beside the tables.

    They show who is active, what is accepted and what it costs.
    """
    from ..dataset_names import dataset_name
    from ..error_messages import translate_errors
    from ..generated_files import write_generated
    from ..metrics.catalog import VIEWS
    from ..metrics.dbt import dbt_package
    from ..metrics.views import create_views, print_views
    from ..read_only import require_file
    from .frame import print_lines, reported

    if printed and written:
        raise click.UsageError("--print and --as exclude each other")
    with reported(), TemporaryDirectory() as folder:
        pipeline = replace(target, working_dir=folder).dlt_pipeline()
        if printed:
            with translate_errors("the views could not be written"):
                print_lines(line for text in print_views(pipeline) for line in text.splitlines())
            return
        if written:
            with translate_errors("the package could not be written"):
                write_generated(written[1], dbt_package(pipeline))
            print_lines(
                [
                    f"{len(VIEWS)} models for {target.destination} are in {written[1]}",
                    f"next: name it in packages.yml (- local: {written[1]}), then dbt deps and dbt build",
                ]
            )
            return
        with translate_errors("the warehouse could not be opened"):
            require_file(pipeline)
            pipeline.sync_destination()
        created, dataset = create_views(pipeline), dataset_name(pipeline)
        lines = [f"created view {name} in dataset {dataset}" for name in created]
        print_lines([*lines, f"{len(VIEWS)} views are up to date"])
