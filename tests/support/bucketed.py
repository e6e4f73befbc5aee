"""A DuckDB that fetches its files from a bucket, as warehouses do; dlt's own takes them from the disk only."""

from __future__ import annotations

from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import SupportsStagingDestination
from dlt.destinations import duckdb as _duckdb
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.job_client_impl import CopyRemoteFileLoadJob
from dlt.destinations.job_impl import ReferenceFollowupJobRequest


class _FromBucket(CopyRemoteFileLoadJob):
    def run(self) -> None:
        client: Any = self._job_client.sql_client
        table = client.make_qualified_table_name(self.load_table_name)
        client.execute_sql(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet('{self._bucket_path}')")


class _Client(DuckDbClient, SupportsStagingDestination):
    def create_load_job(self, table: Any, file_path: str, load_id: str, restore: bool = False) -> Any:
        if ReferenceFollowupJobRequest.is_reference_job(file_path):
            return _FromBucket(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_truncate_table_before_load_on_staging_destination(self, table_name: str) -> bool:
        return True


class duckdb(_duckdb):  # noqa: N801  # dlt and this project know destinations by the names of their classes
    """The destination, named `support.bucketed.duckdb`."""

    def _raw_capabilities(self) -> DestinationCapabilitiesContext:
        capabilities = super()._raw_capabilities()
        capabilities.supported_staging_file_formats = ["parquet"]
        capabilities.preferred_staging_file_format = "parquet"
        return capabilities

    @property
    def client_class(self) -> Any:
        return _Client
