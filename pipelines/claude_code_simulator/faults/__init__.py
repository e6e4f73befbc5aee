"""Faults of the API, and scripts of when they happen."""
