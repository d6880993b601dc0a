"""Steiner trees one after the other, where the price of a link grows exponentially with the load that it has.

Source: B. Awerbuch, Y. Azar and S. Plotkin, "Throughput-competitive on-line routing", FOCS 1993, for exponential
prices of capacity; the trees are those of the shortest-path heuristic of Takahashi and Matsuyama (see `steiner.py`).
Ours: a link's price is that of its traffic, plus the time that it and its ends' caps take, valued at the price of an
hour and multiplied by an exponential of their load; a load of 1 is the shortest time that any plan can have.
"""

import numpy as np

GROWTH = 5.0  # of the price of capacity, per unit of load, in the exponent
STEEPEST = 2.5  # what that exponent ends at, for links that are far slower than the regions
AT_FULL = 0.5  # that price at a load of 1, in prices of an hour


def nearest_path(length, tree, wanted):
    """The path from the tree to the region of `wanted` that is nearest to it, from that region backwards."""
    near, before, left = dict.fromkeys(tree, 0.0), {}, set(range(len(length)))
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


def hours_per_gb(transfer):
    """What a GB takes on each link, out of its tail and into its head, ``(R, R)`` each."""
    link = 8.0 / 3600.0 / np.where(np.eye(transfer["regions"], dtype=bool), np.inf, transfer["gbps"])
    out = np.broadcast_to(8.0 / 3600.0 / transfer["egress_gbps"][:, None], link.shape)
    into = np.broadcast_to(8.0 / 3600.0 / transfer["ingress_gbps"], link.shape)
    return link, out, into


def lengths(transfer, hours, load_gb, horizon_h):
    """Price of a GB on each link, as lists."""
    link, out, into = hours
    ends = [transfer["source"], *transfer["destinations"].tolist()]
    hour_usd = transfer["time_usd_per_h"] + transfer["machines_usd_per_h"][ends].sum()
    loads = link * load_gb, out * load_gb.sum(1, keepdims=True), into * load_gb.sum(0, keepdims=True)
    grown = (np.exp(np.minimum(GROWTH * (load / horizon_h - 1.0), STEEPEST)) for load in loads)
    time_h = sum(h * factor for h, factor in zip(hours, grown, strict=True))
    return (transfer["usd_per_gb"] + AT_FULL * hour_usd * time_h + 1e-9).tolist()


def plan(transfer):
    """The task's interface: a tree for each partition."""
    source, ends = transfer["source"], transfer["destinations"].tolist()
    hours, load_gb = hours_per_gb(transfer), np.zeros((transfer["regions"], transfer["regions"]))
    horizon_h = transfer["volume_gb"] * max(hours[1][source, 0], hours[2][0, ends].max())
    trees = np.full((transfer["partitions"], transfer["regions"]), -1, dtype=np.int64)
    for parents in trees:
        tree, wanted = {source}, set(ends)
        while wanted:
            path = nearest_path(lengths(transfer, hours, load_gb, horizon_h), tree, wanted)
            for step in range(len(path) - 1):
                parents[path[step]] = path[step + 1]
                load_gb[path[step + 1], path[step]] += transfer["volume_gb"] / transfer["partitions"]
            tree.update(path)
            wanted -= tree
    return trees
