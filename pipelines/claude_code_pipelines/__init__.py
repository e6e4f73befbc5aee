"""Pipelines around the source: loads in windows, backfills, status, views, and the command line."""

from .events import DaysNotHeld, LoadObserver, LoadReport
from .load import backfill, load
from .pipeline import Warehouse
from .status import Status, read_status

__all__ = [
    "DaysNotHeld",
    "LoadObserver",
    "LoadReport",
    "Status",
    "Warehouse",
    "backfill",
    "load",
    "read_status",
]
