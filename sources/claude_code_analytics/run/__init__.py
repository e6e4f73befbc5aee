"""One run of the source: opened, planned, read day by day and handed to dlt in batches.

The names below are for the pipelines; within the source each module imports from the modules themselves.
"""

from .resource import window_source
from .run import Run

__all__ = ["Run", "window_source"]
