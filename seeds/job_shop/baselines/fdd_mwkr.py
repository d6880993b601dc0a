"""Flow due date over most work remaining: work up to here, this operation included, over work from here.

Source: V. Sels, N. Gheysen and M. Vanhoucke, "A comparison of priority rules for the job shop scheduling problem under
different flow time- and tardiness-related objective functions", International Journal of Production Research 50 (2012).
"""


class Policy:
    """The smallest flow due date over work left first, without delay."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {"priority": (ops["work_done"] + ops["duration"]) / ops["work_left"]}
