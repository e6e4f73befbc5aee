"""What a person or a scheduler runs: loads in windows, backfills, the ledger, and the command line around them."""

from .ledger import Status, read_status
from .load import Loading, backfill, load
from .pipeline import Warehouse

__all__ = ["Loading", "Status", "Warehouse", "backfill", "load", "read_status"]
