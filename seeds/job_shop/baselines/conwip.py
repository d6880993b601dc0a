"""Short operations of long jobs; without buffers, only so many jobs inside as keep the shop from filling up.

Source: M. L. Spearman, D. L. Woodruff and W. J. Hopp, "CONWIP: a pull alternative to kanban", International Journal of
Production Research 28 (1990), for constant work in process; the share is set by hand. In classic shops, where nobody
counts the jobs inside, this is `two_feature.py`; in stochastic ones new jobs come last in a full shop, but may enter.
"""

INSIDE = 0.8  # machines that may hold a job before no new one is let in, as a share


class Policy:
    """A limit on the jobs inside, then duration against work left."""

    def __init__(self, config: dict) -> None:
        """The limit, in machines."""
        self.limit = INSIDE * config["machines"]

    def priority(self, ops: dict, state: dict) -> dict:
        """Jobs inside come before new ones; new ones wait where the shop is full."""
        is_new = ops["from_machine"] < 0
        full = state["machines_held"] >= self.limit
        penalty = 1e6 * is_new if full else 0.0
        return {
            "priority": 0.8 * ops["duration"] - 0.3 * ops["work_left"] + penalty,
            "wait": bool(full and is_new.all()),
        }
