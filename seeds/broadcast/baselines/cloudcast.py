"""Steiner trees under a budget of time, the cheapest budget: every link and cap has slots for partitions.

Source: after Wooders et al., "Cloudcast: High-Throughput, Cost-Aware Overlay Multicast in the Cloud", NSDI 2024, which
plans partitions ("stripes") one after the other in what the earlier ones have left of the capacities, at least cost
for a bound on the time. Theirs solves an integer program for each over clustered regions; here the shortest-path
heuristic of Takahashi and Matsuyama stands for it, there is no limit on hops, and the budget of least total cost is
looked for.
"""

import numpy as np

BUDGETS = 10  # between the shortest time that is possible and that of straight links


class Slots:
    """How many more partitions each link and region can carry within a budget of hours."""

    def __init__(self, transfer, hours):
        part_h = 8.0 * transfer["volume_gb"] / transfer["partitions"] / 3600.0
        self.link = np.floor(hours * transfer["gbps"] / part_h + 1e-9)
        self.out = np.floor(hours * transfer["egress_gbps"] / part_h + 1e-9)
        self.into = np.floor(hours * transfer["ingress_gbps"] / part_h + 1e-9)

    def take(self, here, there):
        """One partition more on a link."""
        self.link[here, there] -= 1
        self.out[here] -= 1
        self.into[there] -= 1

    def open_links(self):
        """Which links can carry one more, as lists."""
        return ((self.link > 0) & (self.out > 0)[:, None] & (self.into > 0)).tolist()


def nearest_path(length, is_open, tree, wanted):
    """The cheapest path over open links from the tree to a region of `wanted`, backwards; nothing if there is none."""
    near, before, left = dict.fromkeys(tree, 0.0), {}, set(range(len(length)))
    while True:
        reached = [region for region in near if region in left]
        if not reached:
            return []
        here = min(reached, key=lambda region: (near[region], region))
        left.discard(here)
        if here in wanted:
            break
        for there in left:
            at = near[here] + length[here][there]
            if there not in tree and is_open[here][there] and at < near.get(there, np.inf):
                near[there], before[there] = at, here
    path = [here]
    while path[-1] not in tree:
        path.append(before[path[-1]])
    return path


def tree_within(length, slots, transfer):
    """Parents of one more tree, which takes its slots; None where they do not suffice."""
    parents = np.full(transfer["regions"], -1, dtype=np.int64)
    tree, wanted = {transfer["source"]}, set(transfer["destinations"].tolist())
    while wanted:
        path = nearest_path(length, slots.open_links(), tree, wanted)
        if not path:
            return None
        for step in range(len(path) - 1, 0, -1):
            parents[path[step - 1]] = path[step]
            slots.take(path[step], path[step - 1])
        tree.update(path)
        wanted.difference_update(path)
    return parents


def trees_within(hours, length, transfer):
    """All partitions' trees within a budget of hours; None where it does not suffice."""
    slots, trees = Slots(transfer, hours), []
    for _ in range(transfer["partitions"]):
        tree = tree_within(length, slots, transfer)
        if tree is None:
            return None
        trees.append(tree)
    return np.array(trees)


def cost_of(trees, transfer):
    """USD of a plan by the rules of the task, and its hours."""
    part_gb = transfer["volume_gb"] / transfer["partitions"]
    gb = np.zeros_like(transfer["gbps"])
    for tree in trees:
        children = np.flatnonzero(tree >= 0)
        gb[tree[children], children] += part_gb
    links = gb[gb > 0] / transfer["gbps"][gb > 0]
    out, into = gb.sum(1) / transfer["egress_gbps"], gb.sum(0) / transfer["ingress_gbps"]
    hours = 8.0 / 3600.0 * max(links.max(), out.max(), into.max())
    used = (gb.sum(0) > 0) | (gb.sum(1) > 0)
    hour_usd = transfer["time_usd_per_h"] + transfer["machines_usd_per_h"][used].sum()
    return (gb * transfer["usd_per_gb"]).sum() + hours * hour_usd, hours


def straight(transfer):
    """Every partition from the source to every destination."""
    trees = np.full((transfer["partitions"], transfer["regions"]), -1, dtype=np.int64)
    trees[:, transfer["destinations"]] = transfer["source"]
    return trees


def shortest_hours(transfer):
    """Hours that no plan is below."""
    slowest = min(transfer["egress_gbps"][transfer["source"]], transfer["ingress_gbps"][transfer["destinations"]].min())
    return 8.0 / 3600.0 * transfer["volume_gb"] / slowest


def plan(transfer):
    """The task's interface: a tree for each partition."""
    length = (transfer["usd_per_gb"] + 1e-9).tolist()
    best = straight(transfer)
    best_usd, longest = cost_of(best, transfer)
    for hours in np.geomspace(shortest_hours(transfer), 2.0 * longest, BUDGETS):
        trees = trees_within(hours, length, transfer)
        if trees is not None and cost_of(trees, transfer)[0] < best_usd:
            best, best_usd = trees, cost_of(trees, transfer)[0]
    return best
