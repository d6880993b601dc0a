"""Other cheapest paths for every partition: each takes a link away from those that come after it.

Source: ours. N-Dijkstra, a baseline of the ADRS collection, takes the cheapest path to each destination, the same for
all partitions (as `dijkstra_price.py` does). Here the next partition gets the cheapest path in what is left of the
network once the slowest link of the path before has been removed. The paths of a partition are made a tree by taking a
region's first parent; where nothing is left the destination's first path is used again.
"""

import numpy as np


def cheapest_path(length, source, destination):
    """Regions from source to destination, or None if there is no way."""
    near, before, left = {source: 0.0}, {}, set(range(len(length)))
    while destination in left:
        reached = [region for region in near if region in left]
        if not reached:
            return None
        here = min(reached, key=lambda region: (near[region], region))
        left.discard(here)
        for there in left:
            at = near[here] + length[here][there]
            if at < near.get(there, np.inf):
                near[there], before[there] = at, here
    path = [destination]
    while path[-1] != source:
        path.append(before[path[-1]])
    return path[::-1]


def paths_of_partitions(transfer, destination):
    """One path to a destination per partition."""
    length, gbps = transfer["usd_per_gb"] + 1e-9, transfer["gbps"]
    length = np.where(gbps > 0, length, np.inf).tolist()
    paths = []
    for _ in range(transfer["partitions"]):
        path = cheapest_path(length, transfer["source"], destination) or paths[0]
        paths.append(path)
        slowest = min(range(len(path) - 1), key=lambda step: gbps[path[step], path[step + 1]])
        length[path[slowest]][path[slowest + 1]] = np.inf
    return paths


def plan(transfer):
    """The task's interface: a tree for each partition."""
    parents = np.full((transfer["partitions"], transfer["regions"]), -1, dtype=np.int64)
    for destination in transfer["destinations"].tolist():
        for tree, path in zip(parents, paths_of_partitions(transfer, destination), strict=True):
            joined = max(step for step in range(len(path)) if step == 0 or tree[path[step]] >= 0)
            for step in range(joined, len(path) - 1):
                tree[path[step + 1]] = path[step]
    return parents
