"""Trusted evaluators: tasks, simulators and the sandbox that candidates run in."""
