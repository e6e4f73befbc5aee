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

_MODULES = {
    "DaysNotHeld": "events",
    "LoadObserver": "events",
    "LoadReport": "events",
    "Status": "status",
    "Warehouse": "warehouse",
    "backfill": "loader",
    "load": "loader",
    "read_status": "status",
}


def __getattr__(name: str) -> Any:
    """Imports a public name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    """Lists the public names too, imported or not."""
    return sorted({*globals(), *__all__})
