"""The SQL memory of every run: programs, attempts, replies and evaluations."""
