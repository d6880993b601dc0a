"""Trees built along the linear relaxation of `broadcast`: a line to compare with, and how tight the bound is.

A program of the task has no solver of linear programs. With one, the relaxation says how many partitions should take a
link, what the time on it is worth, and how long the transfer should last. The rounding is ours and draws no lots:
within a budget of time, links and caps have slots for whole partitions; tree after tree the shortest-path heuristic of
Takahashi and Matsuyama takes the cheapest slots, links with a share left first. Of several budgets the cheapest plan
is kept.

Shapes: R regions, P partitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evaluators.scheduling.broadcast.bound import relaxation
from evaluators.scheduling.broadcast.plan import NOT_THERE, Ints, bill_of, direct_plan
from evaluators.scheduling.broadcast.scenario import Scenario
from evaluators.scheduling.broadcast.transfer import GBIT_PER_GB, SECONDS_PER_H, Floats, Transfer
from evaluators.scoring import Workload

STRETCHES = (1.0, 1.03, 1.07, 1.12, 1.2, 1.35, 1.6, 2.0, 3.0, 5.0)  # of the relaxation's time, as budgets
UNSHARED = (1.0, 10.0)  # what a link without a share left costs beside, in mean weights
TINY_USD = 1e-9  # keeps paths of free links short


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """Slots for partitions within a budget of time, and what is left of the relaxation's shares, in partitions."""

    link_RR: Floats
    out_R: Floats
    into_R: Floats
    share_RR: Floats

    @classmethod
    def within(cls, hours: float, share_RR: Floats, transfer: Transfer) -> Room:
        """All the room there is in so many hours."""
        network = transfer.network
        slots = hours * SECONDS_PER_H / (GBIT_PER_GB * transfer.partition_gb)
        caps = network.gbps_RR, network.egress_gbps_R, network.ingress_gbps_R
        link_RR, out_R, into_R = (np.floor(slots * cap + 1e-9) for cap in caps)
        return cls(link_RR, out_R, into_R, share_RR * transfer.partitions)

    def take(self, here: int, there: int) -> None:
        """One partition more on a link."""
        self.link_RR[here, there] -= 1
        self.out_R[here] -= 1
        self.into_R[there] -= 1
        self.share_RR[here, there] -= 1

    def weights(self, usd_RR: Floats, unshared: float) -> Floats:
        """Price of each link; infinite without a slot."""
        is_open_RR = (self.link_RR > 0) & (self.out_R > 0)[:, None] & (self.into_R > 0)
        return np.where(is_open_RR, usd_RR + unshared * usd_RR.mean() * (self.share_RR < 0.5), np.inf)


def along_relaxation(workload: Workload) -> Sequence[tuple[str, float]]:
    """(regime, score) of every scenario."""
    scenarios = [one for one in workload.instances if isinstance(one, Scenario)]
    return [(one.regime, one.score(bill_of(rounded(one.transfer), one.transfer).usd)) for one in scenarios]


def rounded(transfer: Transfer) -> Ints:
    """The cheapest plan over all budgets, ``(P, R)``; the direct one if none is cheaper."""
    relaxed = relaxation(transfer)
    usd_RR = transfer.network.usd_per_gb_RR + relaxed.time_usd_per_gb_RR + TINY_USD
    best = direct_plan(transfer)
    for stretch in STRETCHES:
        for unshared in UNSHARED:
            room = Room.within(stretch * relaxed.hours, relaxed.share_RR, transfer)
            trees = [tree_in(room, usd_RR, unshared, transfer) for _ in range(transfer.partitions)]
            found = [tree for tree in trees if tree is not None]
            if len(found) == len(trees):
                best = min(best, np.array(found), key=lambda plan: bill_of(plan, transfer).usd)
    return best


def tree_in(room: Room, usd_RR: Floats, unshared: float, transfer: Transfer) -> Ints | None:
    """Parents of one more tree, ``(R,)``, which takes its room; None where there is too little."""
    parents = np.full(transfer.network.regions, NOT_THERE, dtype=np.int64)
    tree, wanted = {transfer.source}, set(transfer.destinations)
    while wanted:
        path = nearest_path(room.weights(usd_RR, unshared), tree, wanted)
        if path is None:
            return None
        for there, here in pairwise(path):
            parents[there] = here
            room.take(here, there)
        tree.update(path)
        wanted -= tree
    return parents


def nearest_path(weight_RR: Floats, tree: set[int], wanted: set[int]) -> list[int] | None:
    """The cheapest path from the tree to a region that is wanted, backwards; None where there is no way."""
    near_R = np.full(len(weight_RR), np.inf)
    near_R[list(tree)] = 0.0
    before_R, done_R = np.full(len(weight_RR), NOT_THERE), np.zeros(len(weight_RR), dtype=bool)
    while True:
        here = int(np.where(done_R, np.inf, near_R).argmin())
        if done_R[here] or near_R[here] == np.inf:
            return None
        done_R[here] = True
        if here in wanted:
            break
        better_R = near_R[here] + weight_RR[here] < near_R
        near_R[better_R], before_R[better_R] = near_R[here] + weight_RR[here, better_R], here
    path = [here]
    while path[-1] not in tree:
        path.append(int(before_R[path[-1]]))
    return path
