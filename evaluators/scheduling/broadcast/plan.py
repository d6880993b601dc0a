"""A plan as the engine reads it: one tree per partition, what it loads, how long it takes and what it costs.

The data flow through all trees at once, in chunks that are sent on as they arrive (store and forward, as Skyplane
does). With small chunks a partition has one rate along its whole tree. Each partition at the rate of its size over T
then loads every link and every region's cap with its volume over T, so that T is enough as soon as no link and no cap
carries more than it can in T; and no schedule at all can be faster. So the time of a plan is exactly the largest
volume over capacity among links and caps. What is left out: the last chunk's way down the tree, milliseconds per link.

Shapes: P partitions, R regions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.scheduling.broadcast.transfer import GBIT_PER_GB, SECONDS_PER_H, Floats, Network, Transfer

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NOT_THERE = -1  # parent of a region that the partition does not pass, and of the source


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a plan costs, and how long it takes."""

    egress_usd: float
    machines_usd: float
    waiting_usd: float
    time_s: float

    @property
    def usd(self) -> float:
        """All of it."""
        return self.egress_usd + self.machines_usd + self.waiting_usd


def read_trees(parents_PR: Ints, transfer: Transfer) -> Ints:
    """The parents, if each partition's are a tree that leads from the source to every destination.

    Raises:
        CandidateFailure: `INVALID`; says which partition and region is wrong, and how.
    """
    regions = transfer.network.regions
    itself_R = np.arange(regions)
    _refuse(
        (parents_PR < NOT_THERE) | (parents_PR >= regions),
        parents_PR,
        f"a region from 0 to {regions - 1}, or -1 for none",
    )
    _refuse(parents_PR == itself_R, parents_PR, "another region than itself")
    is_source_R = itself_R == transfer.source
    _refuse(is_source_R & (parents_PR != NOT_THERE), parents_PR, "-1, since it is the source")
    is_destination_R = np.isin(itself_R, transfer.destinations)
    _refuse(is_destination_R & (parents_PR == NOT_THERE), parents_PR, "a region, since it is a destination")
    there_PR = parents_PR != NOT_THERE
    _refuse(
        there_PR & (roots(parents_PR) != transfer.source), parents_PR, "a way from the source, not round in a circle"
    )
    return parents_PR


def roots(parents_PR: Ints) -> Ints:
    """Where each region ends if it goes from parent to parent; in a circle, some region of the circle."""
    up_PR = np.where(parents_PR == NOT_THERE, np.arange(parents_PR.shape[1]), parents_PR)
    for _ in range(parents_PR.shape[1].bit_length()):
        up_PR = np.take_along_axis(up_PR, up_PR, axis=1)
    return up_PR


def _refuse(wrong_PR: Bools, parents_PR: Ints, expected: str) -> None:
    if wrong_PR.any():
        partition, region = (int(index) for index in np.argwhere(wrong_PR)[0])
        found = int(parents_PR[partition, region])
        raise CandidateFailure(
            Outcome.INVALID, f"partition {partition}, parent of region {region}: expected {expected}, found {found}"
        )


def link_gb(parents_PR: Ints, transfer: Transfer) -> Floats:
    """GB over each link, ``(R, R)`` from row to column."""
    regions = transfer.network.regions
    _, children = np.nonzero(parents_PR != NOT_THERE)
    parents = parents_PR[parents_PR != NOT_THERE]
    counts = np.bincount(parents * regions + children, minlength=regions * regions)
    gb_RR: Floats = counts.reshape(regions, regions).astype(np.float64) * transfer.partition_gb
    return gb_RR


def seconds(gb_RR: Floats, network: Network) -> float:
    """The least time in which every link and every region's caps can carry their load."""
    used = gb_RR > 0
    busiest_gb_per_gbps = max(
        float((gb_RR[used] / network.gbps_RR[used]).max(initial=0.0)),
        float((gb_RR.sum(axis=1) / network.egress_gbps_R).max()),
        float((gb_RR.sum(axis=0) / network.ingress_gbps_R).max()),
    )
    return GBIT_PER_GB * busiest_gb_per_gbps


def bill_of(parents_PR: Ints, transfer: Transfer) -> Bill:
    """The bill of a valid plan: egress by the GB, the machines of every region used, and the wait, by the hour."""
    network, gb_RR = transfer.network, link_gb(parents_PR, transfer)
    time_s = seconds(gb_RR, network)
    hours = time_s / SECONDS_PER_H
    used_R = (gb_RR.sum(axis=0) > 0) | (np.arange(network.regions) == transfer.source)
    return Bill(
        egress_usd=float((gb_RR * network.usd_per_gb_RR).sum()),
        machines_usd=hours * float(network.machines_usd_per_h_R[used_R].sum()),
        waiting_usd=hours * transfer.time_usd_per_h,
        time_s=time_s,
    )


def direct_plan(transfer: Transfer) -> Ints:
    """Every destination gets every partition from the source itself: the weak baseline."""
    parents_PR = np.full((transfer.partitions, transfer.network.regions), NOT_THERE, dtype=np.int64)
    parents_PR[:, list(transfer.destinations)] = transfer.source
    return parents_PR


def depths(parents_PR: Ints, source: int) -> Ints:
    """Links between the source and each region, ``(P, R)``; 0 where a partition is not."""
    found_PR = np.zeros_like(parents_PR)
    at_PR = np.where(parents_PR == NOT_THERE, source, np.arange(parents_PR.shape[1]))
    while (under_PR := at_PR != source).any():
        found_PR += under_PR
        at_PR = np.where(under_PR, np.take_along_axis(parents_PR, at_PR, axis=1), source)
    return found_PR
