"""The books of a lake: Delta tables are asked through their own engine, a note is a small file beside them.

dlt would ask them through DuckDB, with an extension that DuckDB downloads; and its table of loads, where other
warehouses take a note, is a folder of files that only it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.exceptions import DltException
from dlt.destinations.exceptions import DatabaseTransientException

from claude_code_analytics.settings import TABLES

from .errors import plain_errors
from .pipeline import schema_name

_FOLDER = "_claude_code_writing"
"""Where the notes are, in the dataset's folder: a file for each load id. No table's name begins like this."""


class Lake:
    """See `Books`.

    Args:
        pipeline: The pipeline that leads there.
    """

    def __init__(self, pipeline: dlt.Pipeline) -> None:
        self._pipeline = pipeline

    def columns(self) -> dict[str, dict[str, str | None]]:
        """The columns of the tables that are there."""
        found: dict[str, dict[str, str | None]] = {table: {} for table in TABLES}
        with self._opened() as client:
            for table in TABLES:
                with suppress(DestinationUndefinedEntity):
                    fields = client.load_open_table("delta", table).schema().fields
                    found[table] = {field.name.lower(): None for field in fields}
        return found

    def ask(self, table: str, sql: str) -> list[Any]:
        """The rows that a query answers."""
        with self._opened() as client:
            from deltalake import QueryBuilder  # nobody but a lake needs it

            builder = QueryBuilder().register(table, client.load_open_table("delta", table))
            answer = pa.table(builder.execute(sql.format(table=table)))
        return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))

    def notes(self) -> list[tuple[str, str]]:
        """Load ids and texts of the notes that stand there."""
        with self._opened() as client:
            files, folder = client.fs_client, _folder(client)
            files.invalidate_cache()  # others write there too
            found = []
            for file in files.ls(folder, detail=False) if files.isdir(folder) else []:
                with suppress(FileNotFoundError):  # just struck out
                    found.append((client.pathlib.basename(file), files.read_text(file)))
        return found

    def note(self, load_id: str, text: str) -> None:
        """Writes a note."""
        with self._opened() as client:
            client.initialize_storage()  # dlt refuses a folder that it did not make itself
            client.fs_client.makedirs(_folder(client), exist_ok=True)
            client.fs_client.write_text(client.pathlib.join(_folder(client), load_id), text)

    def strike_out(self, load_id: str) -> None:
        """Removes the note of a load, where there is one."""
        with self._opened() as client:
            note = client.pathlib.join(_folder(client), load_id)
            if client.fs_client.exists(note):
                client.fs_client.rm_file(note)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with plain_errors(), self._pipeline.destination_client(schema_name(self._pipeline)) as client:
            try:
                yield client
            except DltException:
                raise
            except Exception as error:  # those of Delta, and of whoever keeps the files
                raise DatabaseTransientException(error) from error


def _folder(client: Any) -> str:
    return str(client.pathlib.join(client.dataset_path, _FOLDER))
