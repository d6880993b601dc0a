"""Short operations of long jobs, waiting a little for a better one.

Source: the window is that of R. H. Storer, S. D. Wu and R. Vaccari, "New search spaces for sequencing problems with
application to job shop scheduling", Management Science 38 (1992); the rule is that of `two_feature.py`, with the idle
time of the machine as a third feature, by hand.
"""

DELAY = 0.3  # of the way from the first start to the first end
WAITING = 1.0  # per time unit that the machine idles


class Policy:
    """Duration against work left and idle time."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        return {
            "priority": 0.8 * ops["duration"] - 0.3 * ops["work_left"] + WAITING * (ops["start"] - state["earliest"]),
            "delay": DELAY,
        }
