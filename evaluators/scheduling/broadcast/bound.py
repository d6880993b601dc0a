"""A proven lower bound of a transfer's cost: the linear relaxation of the choice of trees, certified by its dual.

Take any plan. Let y_e be the share of the partitions whose tree uses link e, and T its time in hours. Then
- for each destination, one unit flows from the source to it with at most y_e on link e (its path in each tree);
- 8 V y_e / 3600 is at most T times the capacity of e, and likewise for the sums at each region's caps;
- at most 1 enters a region, since a tree enters it once; nothing enters the source;
- the machines of source and destinations, and the wait, cost their price times T;
- a relay costs its machines times T, which is at least that price times the shortest time in which any plan can be
  done, times the share of the partitions that pass it.
So the plan is a point of a linear program with at most its cost, and the least of the program is a bound. The flows of
all destinations under common y are the multicommodity form of the cut relaxation of directed Steiner trees (Wong, "A
dual ascent approach for Steiner tree problems on a directed graph", Mathematical Programming 28, 1984).

The solver's word is not taken for it: from its multipliers, with the wrong signs cut off, the Lagrangian bound is
computed anew. It holds for any multipliers whatever, so that only rounding is left to trust.

Shapes: R regions, L links (all but those into the source), D destinations. Columns: y (L), T (1), flows (D * L).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evaluators.contract import EvaluatorError
from evaluators.scheduling.broadcast.plan import bill_of, direct_plan
from evaluators.scheduling.broadcast.transfer import GBIT_PER_GB, SECONDS_PER_H, Floats, Transfer

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Ints = npt.NDArray[np.int64]

ROUNDING = 1e-9  # of the bound, taken off for sums of some 10^5 terms


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Rows of a constraint matrix as lists of entries, with their right-hand sides."""

    values: Floats
    rows: Ints
    columns: Ints
    right: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Relaxation:
    """The linear program's answer."""

    bound_usd: float  # no plan's cost is below it
    hours: float  # T
    share_RR: Floats  # of the partitions on each link
    time_usd_per_gb_RR: Floats  # what a GB on each link is worth by the time that it and its ends' caps take


def cost_bound_usd(transfer: Transfer) -> float:
    """A cost that no plan of the transfer is below."""
    return relaxation(transfer).bound_usd


def relaxation(transfer: Transfer) -> Relaxation:
    """The optimum of the linear program, and the bound that its multipliers certify.

    Raises:
        EvaluatorError: The solver gave up, which it has no reason to.
    """
    from scipy.optimize import linprog  # on demand: the controller has no use for it

    tails, heads = _links(transfer)
    costs = _costs(transfer, heads)
    upper, equal = _inequalities(transfer, tails, heads), _conservation(transfer, tails, heads)
    a_ub, a_eq = _matrix(upper, len(costs)), _matrix(equal, len(costs))
    solved = linprog(  # type: ignore[call-overload]  # the stubs know no sparse matrices
        costs, A_ub=a_ub, b_ub=upper.right, A_eq=a_eq, b_eq=equal.right, method="highs"
    )
    if solved.status != 0:
        raise EvaluatorError(f"the bound's linear program was not solved: {solved.message}")
    worth_ub, worth_eq = np.minimum(solved.ineqlin.marginals, 0.0), solved.eqlin.marginals
    reduced = costs - a_ub.T @ worth_ub - a_eq.T @ worth_eq
    most = np.ones(len(costs))
    most[len(tails)] = _longest_h(transfer, float(costs[len(tails)]))
    dual = worth_ub @ upper.right + worth_eq @ equal.right + np.minimum(reduced, 0.0) @ most
    share_RR, time_usd_RR = np.zeros_like(transfer.network.gbps_RR), np.zeros_like(transfer.network.gbps_RR)
    share_RR[tails, heads] = solved.x[: len(tails)]
    time_usd_RR[tails, heads] = _time_usd(transfer, tails, heads, -worth_ub)
    return Relaxation(
        bound_usd=float(dual) * (1.0 - ROUNDING),
        hours=float(solved.x[len(tails)]),
        share_RR=share_RR,
        time_usd_per_gb_RR=time_usd_RR / transfer.volume_gb,
    )


def _time_usd(transfer: Transfer, tails: Ints, heads: Ints, worth: Floats) -> Floats:
    """What all of the data on each link are worth in time, ``(L,)``, from the worth of each load's row."""
    network, links, need = transfer.network, len(tails), _gbit_h(transfer)
    by_link, by_tail, by_head = np.split(worth[: links + 2 * network.regions], [links, links + network.regions])
    usd_L: Floats = need * (
        by_link / network.gbps_RR[tails, heads]
        + by_tail[tails] / network.egress_gbps_R[tails]
        + by_head[heads] / network.ingress_gbps_R[heads]
    )
    return usd_L


def shortest_h(transfer: Transfer) -> float:
    """Hours that no plan is below: the source sends each byte once, and each destination receives it."""
    network = transfer.network
    slowest_gbps = min(network.egress_gbps_R[transfer.source], *network.ingress_gbps_R[list(transfer.destinations)])
    return float(_gbit_h(transfer) / slowest_gbps)


def _gbit_h(transfer: Transfer) -> float:
    """The volume as Gbit/s over an hour."""
    return GBIT_PER_GB * transfer.volume_gb / SECONDS_PER_H


def _longest_h(transfer: Transfer, usd_per_h: float) -> float:
    """Hours after which time alone costs more than the direct plan does, which is itself not below the bound."""
    return bill_of(direct_plan(transfer), transfer).usd / usd_per_h


def _links(transfer: Transfer) -> tuple[Ints, Ints]:
    """Tails and heads of all links but those into the source, ``(L,)`` each."""
    regions = transfer.network.regions
    useful_RR = ~np.eye(regions, dtype=bool)
    useful_RR[:, transfer.source] = False
    tails, heads = np.nonzero(useful_RR)
    return tails, heads


def _costs(transfer: Transfer, heads: Ints) -> Floats:
    """What a share of 1 on each link, an hour, and the flows (nothing) cost in the objective."""
    network = transfer.network
    relay_usd_R = np.zeros(network.regions)
    relays = list(transfer.relays)
    relay_usd_R[relays] = network.machines_usd_per_h_R[relays] * shortest_h(transfer)
    tails, _ = _links(transfer)
    usd_L = transfer.volume_gb * network.usd_per_gb_RR[tails, heads] + relay_usd_R[heads]
    ends = [transfer.source, *transfer.destinations]
    usd_per_h = transfer.time_usd_per_h + network.machines_usd_per_h_R[ends].sum()
    return np.concatenate([usd_L, [usd_per_h], np.zeros(len(transfer.destinations) * len(heads))])


def _inequalities(transfer: Transfer, tails: Ints, heads: Ints) -> Entries:
    """Links, caps out, caps in: load - T <= 0; entries of a region <= 1; flows - y <= 0."""
    network, links, regions = transfer.network, len(tails), transfer.network.regions
    link_L, need = np.arange(links), _gbit_h(transfer)
    flows = np.arange(len(transfer.destinations) * links)
    blocks = (
        _loads(need / network.gbps_RR[tails, heads], link_L, links, links),
        _loads(need / network.egress_gbps_R[tails], tails, regions, links),
        _loads(need / network.ingress_gbps_R[heads], heads, regions, links),
        Entries(np.ones(links), heads, link_L, np.ones(regions)),
        Entries(
            np.concatenate([np.ones(len(flows)), -np.ones(len(flows))]),
            np.concatenate([flows, flows]),
            np.concatenate([links + 1 + flows, flows % links]),
            np.zeros(len(flows)),
        ),
    )
    return _stacked(blocks)


def _loads(hours_L: Floats, rows_L: Ints, rows: int, links: int) -> Entries:
    """Hours that the links' shares take of each row's capacity, less T."""
    values = np.concatenate([hours_L, -np.ones(rows)])
    places = np.concatenate([rows_L, np.arange(rows)])
    columns = np.concatenate([np.arange(links), np.full(rows, links)])
    return Entries(values, places, columns, np.zeros(rows))


def _conservation(transfer: Transfer, tails: Ints, heads: Ints) -> Entries:
    """For each destination: what leaves a region less what enters it is 1 at the source, -1 there, else 0."""
    links, regions, count = len(tails), transfer.network.regions, len(transfer.destinations)
    columns = links + 1 + np.arange(count * links)
    first_row = np.repeat(np.arange(count) * regions, links)
    right_DR = np.zeros((count, regions))
    right_DR[:, transfer.source] = 1.0
    right_DR[np.arange(count), list(transfer.destinations)] = -1.0
    return Entries(
        np.concatenate([np.ones(count * links), -np.ones(count * links)]),
        np.concatenate([first_row + np.tile(tails, count), first_row + np.tile(heads, count)]),
        np.concatenate([columns, columns]),
        right_DR.ravel(),
    )


def _stacked(blocks: tuple[Entries, ...]) -> Entries:
    starts = np.cumsum([0, *(len(block.right) for block in blocks)])
    return Entries(
        np.concatenate([block.values for block in blocks]),
        np.concatenate([block.rows + start for block, start in zip(blocks, starts[:-1], strict=True)]),
        np.concatenate([block.columns for block in blocks]),
        np.concatenate([block.right for block in blocks]),
    )


def _matrix(entries: Entries, columns: int) -> csr_array[np.float64]:
    from scipy.sparse import csr_array

    shape = (len(entries.right), columns)
    return csr_array((entries.values, (entries.rows, entries.columns)), shape=shape)
