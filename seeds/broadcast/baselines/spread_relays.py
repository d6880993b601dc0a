"""Spread Steiner trees that try relays and several prices of capacity, and keep what is cheapest.

Source: ours; `steiner_spread.py` (Awerbuch, Azar and Plotkin, FOCS 1993; Takahashi and Matsuyama 1980) with the relays
of `steiner_relays.py`: trees go first to a relay and then to the destinations, if that makes the whole plan cheaper by
the rules of the task.
"""

import numpy as np

GROWTH = 6.0  # of the price of capacity, per unit of load, in the exponent
STEEPEST = 2.5  # what that exponent ends at, for links that are far slower than the regions
AT_FULL = (0.15, 0.6, 2.0)  # that price at a load of 1, in prices of an hour
MOST_RELAYS = 8  # tried, the cheapest on the way from the source to the destinations first


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


def hour_usd(transfer, used):
    """What an hour costs while these regions' machines run."""
    return transfer["time_usd_per_h"] + transfer["machines_usd_per_h"][used].sum()


def lengths(transfer, hours, load_gb, horizon_h, at_full):
    """Price of a GB on each link, as lists."""
    link, out, into = hours
    usd_per_h = hour_usd(transfer, [transfer["source"], *transfer["destinations"].tolist()])
    loads = link * load_gb, out * load_gb.sum(1, keepdims=True), into * load_gb.sum(0, keepdims=True)
    grown = (np.exp(np.minimum(GROWTH * (load / horizon_h - 1.0), STEEPEST)) for load in loads)
    time_h = sum(h * factor for h, factor in zip(hours, grown, strict=True))
    return (transfer["usd_per_gb"] + at_full * usd_per_h * time_h + 1e-9).tolist()


def cost(transfer, hours, load_gb):
    """USD of a plan by the rules of the task."""
    link, out, into = hours
    longest_h = max((link * load_gb).max(), (out * load_gb).sum(1).max(), (into * load_gb).sum(0).max())
    used = (load_gb.sum(0) > 0) | (load_gb.sum(1) > 0)
    return (load_gb * transfer["usd_per_gb"]).sum() + longest_h * hour_usd(transfer, used)


def spread(transfer, hours, relays, at_full):
    """USD and trees of all partitions, grown one after the other, each first to the relays."""
    source, ends = transfer["source"], transfer["destinations"].tolist()
    horizon_h = transfer["volume_gb"] * max(hours[1][source, 0], hours[2][0, ends].max())
    part_gb, load_gb = transfer["volume_gb"] / transfer["partitions"], np.zeros_like(transfer["gbps"])
    trees = np.full((transfer["partitions"], transfer["regions"]), -1, dtype=np.int64)
    for parents in trees:
        tree = {source}
        for stops in (set(relays), set(ends)):
            wanted = stops - tree
            while wanted:
                path = nearest_path(lengths(transfer, hours, load_gb, horizon_h, at_full), tree, wanted)
                for step in range(len(path) - 1):
                    parents[path[step]] = path[step + 1]
                    load_gb[path[step + 1], path[step]] += part_gb
                tree.update(path)
                wanted -= tree
        trim(parents, load_gb, set(ends), part_gb)
    return cost(transfer, hours, load_gb), trees


def trim(parents, load_gb, ends, part_gb):
    """Takes relays that lead nowhere out of a tree and of the loads."""
    while leaves := set(np.flatnonzero(parents >= 0).tolist()) - set(parents.tolist()) - ends:
        for leaf in leaves:
            load_gb[parents[leaf], leaf] -= part_gb
            parents[leaf] = -1


def ranked_relays(transfer):
    """The relays that are cheapest on the way from the source to the destinations."""
    ends, usd = transfer["destinations"].tolist(), transfer["usd_per_gb"]
    relays = [region for region in range(transfer["regions"]) if region not in (transfer["source"], *ends)]
    way = {relay: usd[transfer["source"], relay] + usd[relay, ends].mean() for relay in relays}
    return sorted(relays, key=lambda relay: (way[relay], relay))[:MOST_RELAYS]


def plan(transfer):
    """The task's interface: a tree for each partition."""
    hours, kept = hours_per_gb(transfer), []
    tried = [(*spread(transfer, hours, kept, at_full), at_full) for at_full in AT_FULL]
    best_usd, best, at_full = min(tried, key=lambda one: one[0])
    for relay in ranked_relays(transfer):
        usd, trees = spread(transfer, hours, [*kept, relay], at_full)
        if usd < best_usd:
            best_usd, best, kept = usd, trees, [*kept, relay]
    return best
