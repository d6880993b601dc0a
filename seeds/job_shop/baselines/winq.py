"""Work in next queue: the job that goes where least work waits.

Source: S. S. Panwalkar and W. Iskander, "A survey of scheduling rules", Operations Research 25 (1977).
"""


class Policy:
    """The job with the emptiest next machine first, without delay."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": ops["next_queue"]}
