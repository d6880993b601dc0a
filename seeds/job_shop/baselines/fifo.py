"""First in, first out: the job that has waited longest.

The weak baseline: it looks at no duration. Source: S. S. Panwalkar and W. Iskander, "A survey of
scheduling rules", Operations Research 25 (1977).
"""


class Policy:
    """First in, first out, without delay."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": ops["arrival"]}
