"""The evolution loop: a pure search, and the shell that runs it."""
