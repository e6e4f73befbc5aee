"""One run of the source: opened, planned, read day by day and handed to dlt in batches.

The two names are for callers outside of the package; its own modules import each other.
"""

from .resource import window_source
from .run import Run

__all__ = ["Run", "window_source"]
