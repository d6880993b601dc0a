"""What to try next, given how everything so far ended: pure."""
