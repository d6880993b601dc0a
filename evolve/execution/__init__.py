"""Where evaluations are executed."""
