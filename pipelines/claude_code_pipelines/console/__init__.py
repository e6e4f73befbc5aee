"""Terminal output: progress while a load runs, and the summary at its end."""
