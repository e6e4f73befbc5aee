"""Metrics: each number defined once, as a view in the warehouse."""
