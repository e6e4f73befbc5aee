"""Organizations: the records that a simulated API reports."""
