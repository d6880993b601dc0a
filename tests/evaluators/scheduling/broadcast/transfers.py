"""Small transfers and programs for the tests of `broadcast`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from evaluators.problem import ClockPolicy
from evaluators.scheduling.broadcast.plan import NOT_THERE, Ints, roots
from evaluators.scheduling.broadcast.scenario import Scenario, build_scenario
from evaluators.scheduling.broadcast.transfer import Network, Transfer

CLOCK = ClockPolicy()
DIRECT = """
import numpy as np
def plan(transfer):
    parents = np.full((transfer["partitions"], transfer["regions"]), -1)
    parents[:, transfer["destinations"]] = transfer["source"]
    return parents
"""


def a_network(regions: int = 4, **changes: object) -> Network:
    """Every link 10 Gbit/s at 0.1 USD/GB, caps that do not bind, machines for a dollar an hour."""
    off_RR = 1.0 - np.eye(regions)
    network = Network(
        gbps_RR=10.0 * off_RR,
        usd_per_gb_RR=0.1 * off_RR,
        egress_gbps_R=np.full(regions, 100.0),
        ingress_gbps_R=np.full(regions, 100.0),
        machines_usd_per_h_R=np.ones(regions),
    )
    return replace(network, **changes)  # type: ignore[arg-type]


def a_transfer(network: Network | None = None, **changes: object) -> Transfer:
    """From region 0 to 1 and 2, 450 GB in two partitions: 0.1 h over a link of 10 Gbit/s."""
    transfer = Transfer(
        network=network or a_network(),
        source=0,
        destinations=(1, 2),
        volume_gb=450.0,
        partitions=2,
        time_usd_per_h=10.0,
    )
    return replace(transfer, **changes)  # type: ignore[arg-type]


def random_transfer(
    rng: np.random.Generator, *, regions: int, destinations: int, partitions: int, time_usd_per_h: float | None = None
) -> Transfer:
    """Prices, rates and caps over two orders of magnitude; some links are free."""
    shape = (regions, regions)
    off_RR = 1.0 - np.eye(regions)
    network = Network(
        gbps_RR=10 ** rng.uniform(0, 1.5, shape) * off_RR,
        usd_per_gb_RR=rng.choice([0.0, 0.01, 0.02, 0.09, 0.15], shape) * off_RR,
        egress_gbps_R=10 ** rng.uniform(0.3, 1.8, regions),
        ingress_gbps_R=10 ** rng.uniform(0.3, 1.8, regions),
        machines_usd_per_h_R=rng.uniform(0.1, 30.0, regions),
    )
    order = rng.permutation(regions).tolist()
    return Transfer(
        network=network,
        source=order[0],
        destinations=tuple(sorted(order[1 : 1 + destinations])),
        volume_gb=float(rng.choice([10.0, 300.0])),
        partitions=partitions,
        time_usd_per_h=float(rng.choice([0.0, 30.0, 1000.0])) if time_usd_per_h is None else time_usd_per_h,
    )


def a_scenario(transfer: Transfer | None = None) -> Scenario:
    return build_scenario("scene-0", "scene", transfer or a_transfer(), candidate_seed=7)


def random_plan(transfer: Transfer, rng: np.random.Generator) -> Ints:
    """A valid tree per partition: regions in random order, each below one that came before it; relays by chance."""
    parents_PR = np.full((transfer.partitions, transfer.network.regions), NOT_THERE, dtype=np.int64)
    for parents_R in parents_PR:
        there = [transfer.source]
        relays = [relay for relay in transfer.relays if rng.random() < 0.5]
        for region in rng.permutation([*transfer.destinations, *relays]).tolist():
            parents_R[region] = there[int(rng.integers(len(there)))]
            there.append(region)
    return parents_PR


def every_tree(transfer: Transfer) -> Ints:
    """All trees from the source that reach every destination, ``(trees, R)``."""
    regions = transfer.network.regions
    choices = [
        [NOT_THERE]
        if region == transfer.source
        else [other for other in range(regions) if other != region]
        + ([] if region in transfer.destinations else [NOT_THERE])
        for region in range(regions)
    ]
    parents = np.array(list(product(*choices)), dtype=np.int64)
    ends = roots(parents)
    fine = ((parents == NOT_THERE) | (ends == transfer.source)).all(axis=1)
    trees: Ints = parents[fine]
    return trees
