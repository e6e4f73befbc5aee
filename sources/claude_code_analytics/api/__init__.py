"""The Admin API: one client for one organization. Knows no report, no Arrow and no dlt."""
