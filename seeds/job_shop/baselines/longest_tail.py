"""Longest tail: most work remaining after this operation.

What the schedule of Schrage does on one machine. Source: J. Carlier, "The one-machine sequencing problem", European
Journal of Operational Research 11 (1982).
"""


class Policy:
    """The job with the longest tail first, without delay."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": ops["duration"] - ops["work_left"]}
