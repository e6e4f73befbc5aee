"""The simulated Admin API: one organization behind an httpx transport."""
