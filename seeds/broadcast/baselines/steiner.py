"""The shortest-path heuristic for Steiner trees, with prices as lengths; all partitions alike.

Source: H. Takahashi and A. Matsuyama, "An approximate solution for the Steiner problem in graphs", Mathematica
Japonica 24 (1980): the destination nearest to the tree is joined to it by its shortest path from any region of the
tree, until all are in it.
"""

from itertools import pairwise

import numpy as np


def nearest_path(length, tree, wanted):
    """The path from the tree to the region of `wanted` that is nearest to it, from that region backwards."""
    near, before = dict.fromkeys(tree, 0.0), {}
    left = set(range(len(length)))
    while True:
        here = min((region for region in near if region in left), key=lambda region: (near[region], region))
        left.discard(here)
        if here in wanted:
            break
        for there in left:
            if there not in tree and near[here] + length[here][there] < near.get(there, np.inf):
                near[there], before[there] = near[here] + length[here][there], here
    path = [here]
    while path[-1] not in tree:
        path.append(before[path[-1]])
    return path


def steiner_tree(length, source, destinations):
    """Parents of the tree that the heuristic finds."""
    parents, tree, wanted = np.full(len(length), -1, dtype=np.int64), {source}, set(destinations.tolist())
    while wanted:
        path = nearest_path(length, tree, wanted)
        for there, here in pairwise(path):
            parents[there] = here
        tree.update(path)
        wanted.difference_update(path)
    return parents


def plan(transfer):
    """The task's interface: a tree for each partition."""
    length = (transfer["usd_per_gb"] + 1e-9).tolist()  # of free paths, those with fewer links
    tree = steiner_tree(length, transfer["source"], transfer["destinations"])
    return np.tile(tree, (transfer["partitions"], 1))
