"""Around the EVOLVE-BLOCK: shortest-path Steiner trees by price, for a `plan` that calls `grown_with_relays`.

Method: the shortest-path heuristic. A tree grows from the source, the nearest destination first; what is near is said
by `link_weight` and `start_weight`. At first each path started wherever in the tree was cheapest, and every partition
had the same tree, as in `baselines/steiner.py`; each further idea had weight zero, to be turned.

Units: USD, GB, hours. Shapes: R regions.
"""

import numpy as np

# EVOLVE-BLOCK-START
REUSE = 1.0  # 1: a path may start anywhere in the tree for nothing; 0: the way there from the source counts in full
PRICE = 1.0  # for the price of a link
SLOWNESS = 0.0  # for the time that a GB takes on a link of its own
CROWDING = 0.0  # for the time that a GB takes where others have been sent already: on links, out of and into regions
STEEPNESS = 1.0  # how fast crowding grows with what has been sent
OUT = 1.0  # share of what leaves a region in crowding
INTO = 1.0  # share of what enters it
SWEEPS = 0  # how often every tree is taken out again and grown anew among the others; the cheapest plan is kept
RELAY_TRIES = 0  # relays that are tried as first stops of every tree, the lowest `relay_rank` first; kept if cheaper


def link_weight(usd, hour_usd, link_h, out_h, in_h, link_load, out_load, in_load):
    """What a GB on each link is worth avoiding, `(R, R)`; not negative.

    `usd`: prices; `hour_usd`: what an hour of the transfer costs; `link_h`, `out_h`, `in_h`: hours that a GB takes on
    the link, out of the region and into it; `..._load`: hours taken so far, 1 being the shortest that any plan can be.
    """
    crowd = link_h * link_load**STEEPNESS + OUT * out_h * out_load**STEEPNESS + INTO * in_h * in_load**STEEPNESS
    return PRICE * usd + hour_usd * (SLOWNESS * link_h + CROWDING * crowd)


def start_weight(spent):
    """What it counts to start a path in the tree where the way from the source has cost `spent`."""
    return (1.0 - REUSE) * spent


def relay_rank(usd_in, usd_out, gbps_in, gbps_out):
    """What speaks against a relay, from prices and rates of the link from the source and of those to destinations."""
    return usd_in + usd_out


def plan(transfer):
    """The task's interface: a tree for each partition. Any other method may stand here."""
    return grown_with_relays(transfer)


# EVOLVE-BLOCK-END
MOST_SWEEPS, MOST_TRIES = 2, 6  # for the time limit
TINY = 1e-9  # keeps paths of free links short


class Loads:
    """Hours taken on links and by regions, by all trees so far."""

    def __init__(self, transfer):
        regions = transfer["regions"]
        self.transfer = transfer
        self.part_gb = transfer["volume_gb"] / transfer["partitions"]
        self.counts = np.zeros((regions, regions))
        gbit_h = 8.0 / 3600.0
        self.link_h = gbit_h / np.where(np.eye(regions, dtype=bool), np.inf, transfer["gbps"])
        self.out_h = np.broadcast_to(gbit_h / transfer["egress_gbps"][:, None], self.link_h.shape)
        self.in_h = np.broadcast_to(gbit_h / transfer["ingress_gbps"][None, :], self.link_h.shape)
        ends = transfer["destinations"]
        slowest_h = max(self.out_h[transfer["source"], 0], self.in_h[0, ends].max())
        self.horizon_h = slowest_h * transfer["volume_gb"]
        used = transfer["machines_usd_per_h"][[transfer["source"], *ends.tolist()]]
        self.hour_usd = transfer["time_usd_per_h"] + used.sum()

    def weights(self):
        """The links' weights as lists."""
        gb = self.counts * (self.part_gb / self.horizon_h)
        loads = self.link_h * gb, self.out_h * gb.sum(1, keepdims=True), self.in_h * gb.sum(0, keepdims=True)
        usd = self.transfer["usd_per_gb"]
        weight = link_weight(usd, self.hour_usd, self.link_h, self.out_h, self.in_h, *loads)
        weight = np.nan_to_num(np.broadcast_to(weight, usd.shape), nan=0.0, posinf=1e9)
        return (np.maximum(weight, 0.0) + TINY).tolist()

    def cost(self):
        """USD of all trees together."""
        gb = self.counts * self.part_gb
        hours = max((gb * self.link_h).max(), (gb * self.out_h).sum(1).max(), (gb * self.in_h).sum(0).max())
        used = (self.counts.sum(0) > 0) | (self.counts.sum(1) > 0)
        hour_usd = self.transfer["time_usd_per_h"] + self.transfer["machines_usd_per_h"][used].sum()
        return (gb * self.transfer["usd_per_gb"]).sum() + hours * hour_usd


def nearest(weight, starts, wanted):
    """The region of `wanted` that is nearest to the tree, and the regions from there back to the tree."""
    near, before, open_regions = dict(starts), {}, set(range(len(weight)))
    while True:
        here = min((region for region in near if region in open_regions), key=lambda region: (near[region], region))
        open_regions.discard(here)
        if here in wanted:
            break
        row, at = weight[here], near[here]
        for there in open_regions:
            if there not in starts and at + row[there] < near.get(there, np.inf):
                near[there] = at + row[there]
                before[there] = here
    path = [here]
    while path[-1] not in starts:
        path.append(before[path[-1]])
    return path


def grow(loads, transfer, relays):
    """The parents of one more tree, first to the relays and then to the destinations; added to `loads` link by link."""
    parents, spent = np.full(transfer["regions"], -1, dtype=np.int64), {transfer["source"]: 0.0}
    for wanted in (set(relays), set(transfer["destinations"].tolist())):
        wanted -= spent.keys()
        while wanted:
            weight = loads.weights()
            starts = {region: max(float(np.nan_to_num(start_weight(usd))), 0.0) for region, usd in spent.items()}
            path = nearest(weight, starts, wanted)
            for step in range(len(path) - 1, 0, -1):
                here, there = path[step], path[step - 1]
                parents[there] = here
                spent[there] = spent[here] + weight[here][there]
                loads.counts[here, there] += 1
                wanted.discard(there)
    return trimmed(parents, loads, transfer)


def trimmed(parents, loads, transfer):
    """The tree without relays that lead nowhere, which are taken out of `loads` too."""
    ends = set(transfer["destinations"].tolist())
    while leaves := set(np.flatnonzero(parents >= 0).tolist()) - set(parents.tolist()) - ends:
        for leaf in leaves:
            loads.counts[parents[leaf], leaf] -= 1
            parents[leaf] = -1
    return parents


def grown(transfer, relays):
    """USD and trees of the best plan among the sweeps."""
    loads = Loads(transfer)
    trees = [grow(loads, transfer, relays) for _ in range(transfer["partitions"])]
    best_usd, best = loads.cost(), np.array(trees)
    for _ in range(min(max(int(SWEEPS), 0), MOST_SWEEPS)):
        for index, tree in enumerate(trees):
            children = np.flatnonzero(tree >= 0)
            loads.counts[tree[children], children] -= 1
            trees[index] = grow(loads, transfer, relays)
        if loads.cost() < best_usd:
            best_usd, best = loads.cost(), np.array(trees)
    return best_usd, best


def ranked_relays(transfer):
    """The regions that are neither source nor destination, by `relay_rank`."""
    source, ends = transfer["source"], transfer["destinations"].tolist()
    relays = [region for region in range(transfer["regions"]) if region not in (source, *ends)]
    if not relays:
        return []
    out = np.ix_(relays, ends)
    usd, gbps = transfer["usd_per_gb"], transfer["gbps"]
    rank = relay_rank(usd[source, relays], usd[out].mean(axis=1), gbps[source, relays], gbps[out].mean(axis=1))
    rank = np.nan_to_num(np.broadcast_to(rank, len(relays)))
    return [relays[place] for place in np.argsort(rank, kind="stable").tolist()]


def grown_with_relays(transfer):
    """Trees grown straight, and through relays where that is cheaper."""
    kept = []
    best_usd, best = grown(transfer, kept)
    for relay in ranked_relays(transfer)[: min(max(int(RELAY_TRIES), 0), MOST_TRIES)]:
        usd, trees = grown(transfer, [*kept, relay])
        if usd < best_usd:
            best_usd, best, kept = usd, trees, [*kept, relay]
    return best
