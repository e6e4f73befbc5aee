"""The report: one self-contained HTML page of one organization, readable without script and without a network."""
