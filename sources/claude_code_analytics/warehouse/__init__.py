"""Destinations: how tables are written to a warehouse and read back from it."""
