"""The fastest path from the source to every destination, all partitions alike: time per GB as length, prices ignored.

Source: E. W. Dijkstra, "A note on two problems in connexion with graphs", Numerische Mathematik 1 (1959), with the
seconds that a GB takes on a link as its length. A link that nobody else uses decides; what a region can send in all
does not.
"""

import numpy as np


def path_tree(length, source):
    """Parents of all regions on their shortest paths from the source; of equally short ones, that of fewer links."""
    regions = len(length)
    near, links, parents = [np.inf] * regions, [0] * regions, np.full(regions, -1, dtype=np.int64)
    near[source], left = 0.0, set(range(regions))
    while left:
        here = min(left, key=lambda region: (near[region], links[region], region))
        left.discard(here)
        for there in left:
            reached = (near[here] + length[here][there], links[here] + 1)
            if reached < (near[there], links[there]):
                (near[there], links[there]), parents[there] = reached, here
    return parents


def pruned(parents, source, destinations):
    """Only the regions on the way to a destination keep their parents."""
    kept = np.full(len(parents), -1, dtype=np.int64)
    for region in destinations.tolist():
        while region != source and kept[region] < 0:
            kept[region] = parents[region]
            region = int(parents[region])
    return kept


def plan(transfer):
    """The task's interface: a tree for each partition."""
    gbps = np.where(np.eye(transfer["regions"], dtype=bool), np.inf, transfer["gbps"])
    parents = path_tree((8.0 / gbps).tolist(), transfer["source"])
    return np.tile(pruned(parents, transfer["source"], transfer["destinations"]), (transfer["partitions"], 1))
