"""Cheapest trees with chosen relays, by price; all partitions alike.

Source: local search over the relays ("key nodes") of a Steiner tree, a standard improvement heuristic: S. Voss,
"Steiner's problem in graphs: heuristic methods", Discrete Applied Mathematics 40 (1992). Here the tree for a set of
relays is that of the shortest-path heuristic, which joins the relays first and cuts them off again where they lead
nowhere; a relay is put in or taken out as long as that makes the tree cheaper, the best change first.
"""

from itertools import pairwise

import numpy as np

MOST_CHANGES = 8


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


def steiner_tree(length, source, relays, destinations):
    """Parents of the tree that the heuristic finds, first to the relays and then to the destinations."""
    parents, tree = np.full(len(length), -1, dtype=np.int64), {source}
    for wanted in (set(relays), set(destinations.tolist())):
        wanted -= tree
        while wanted:
            path = nearest_path(length, tree, wanted)
            for there, here in pairwise(path):
                parents[there] = here
            tree.update(path)
            wanted -= tree
    return parents


def trimmed(parents, destinations):
    """The tree without relays that lead nowhere."""
    parents = parents.copy()
    while True:
        ends = set(np.flatnonzero(parents >= 0).tolist()) - set(parents.tolist()) - set(destinations.tolist())
        if not ends:
            return parents
        parents[list(ends)] = -1


def priced_tree(length, transfer, relays):
    """Price per GB and parents of the tree for a set of relays."""
    ends = transfer["destinations"]
    parents = trimmed(steiner_tree(length, transfer["source"], relays, ends), ends)
    return sum(length[here][there] for there, here in enumerate(parents.tolist()) if here >= 0), parents


def plan(transfer):
    """The task's interface: a tree for each partition."""
    length = (transfer["usd_per_gb"] + 1e-9).tolist()
    ends = {transfer["source"], *transfer["destinations"].tolist()}
    relays = frozenset()
    usd, tree = priced_tree(length, transfer, relays)
    for _ in range(MOST_CHANGES):
        others = [relays ^ {region} for region in range(transfer["regions"]) if region not in ends]
        tried = [(*priced_tree(length, transfer, other), other) for other in others]
        best = min(tried, key=lambda one: one[0], default=None)
        if best is None or best[0] > usd - 1e-6:
            break
        usd, tree, relays = best
    return np.tile(tree, (transfer["partitions"], 1))
