"""Tasks that were written for other harnesses, run as they are."""
