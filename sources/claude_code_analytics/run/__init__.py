"""One run of the source: opened, planned, read day by day and handed to dlt in batches."""
