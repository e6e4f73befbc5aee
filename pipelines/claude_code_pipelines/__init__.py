"""Pipelines around the source: loads in windows, backfills, status, views, and the command line.

Names are imported when they are first used, so that the command line shows its help without dlt.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .events import DaysNotHeld, LoadObserver, LoadReport
    from .loader import backfill, load
    from .status import Status, read_status
    from .warehouse import Warehouse

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

# The other names are in `events`.
_MODULES = {
    "Status": "status",
    "Warehouse": "warehouse",
    "backfill": "loader",
    "load": "loader",
    "read_status": "status",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'events')}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
