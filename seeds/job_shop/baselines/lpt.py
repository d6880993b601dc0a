"""Longest processing time.

Source: S. S. Panwalkar and W. Iskander, "A survey of scheduling rules", Operations Research 25 (1977).
"""


class Policy:
    """The longest operation first, without delay."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": -ops["duration"]}
