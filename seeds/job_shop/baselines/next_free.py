"""Jobs whose next machine will be free for them, short operations of long jobs among these, without delay.

Made for shops without buffers, where a job whose next machine is taken holds the one it is on. Source: this project;
after the look-ahead rules in S. S. Panwalkar and W. Iskander, "A survey of scheduling rules", Operations Research 25
(1977); weights by hand.
"""

import numpy as np


class Policy:
    """Time that the job would hold the machine in vain, plus duration against work left."""

    def __init__(self, config: dict) -> None:
        """Nothing to keep."""

    def priority(self, ops: dict, state: dict) -> dict:
        """The lowest goes first."""
        in_vain = np.maximum(ops["next_free"] - ops["start"] - ops["duration"], 0.0)
        return {"priority": in_vain + 0.5 * ops["duration"] - 0.3 * ops["work_left"]}
