"""All forward passes, then all backward passes, in rounds of as many micro-batches as memory can hold.

Every device runs the forwards of a round, stage by stage in the order of the model, then the backward passes from the
last stage down, weight gradients right behind input gradients. The next round begins when memory is free again.

Source: Huang et al., "GPipe", NeurIPS 2019. Rounds are this project's: the paper holds all micro-batches, or computes
activations anew; several stages on a device go breadth first, as in Lamy-Poirier, "Breadth-first pipeline parallelism",
MLSys 2023.
"""

import numpy as np


def schedule(pipeline: dict) -> np.ndarray:
    """Round after round."""
    stages, batches = pipeline["stages"], pipeline["micro_batches"]
    whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"])
    rooms = int((pipeline["capacity_mb"] // np.maximum(whole, 1)).min())
    order = []
    for first in range(0, batches, rooms):
        members = range(first, min(first + rooms, batches))
        order += [stage * batches + batch for stage in range(stages) for batch in members]
        for stage in range(stages - 1, -1, -1):
            for batch in members:
                order += [(stages + stage) * batches + batch, (2 * stages + stage) * batches + batch]
    return np.array(order)
