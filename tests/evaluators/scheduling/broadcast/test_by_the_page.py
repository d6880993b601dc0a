"""Validity and cost of trees, partition by partition from the page's rules."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.candidate import CandidateFailure
from evaluators.scheduling.broadcast.plan import Ints, bill_of, read_trees
from evaluators.scheduling.broadcast.transfer import Transfer
from tests.evaluators.scheduling.broadcast.transfers import random_plan, random_transfer


def leads_to_source(parents: list[int], region: int, source: int) -> bool:
    """Whether the walk from parent to parent ends at the source."""
    for _ in parents:
        if region == source:
            return True
        region = parents[region] if 0 <= parents[region] < len(parents) else region
    return region == source


def usd_by_hand(transfer: Transfer, parents_PR: Ints) -> float | None:
    """Egress, machines and the wait; None of a plan that is not a tree for each partition."""
    network, gb = transfer.network, transfer.volume_gb / transfer.partitions
    egress, used, loads = 0.0, {transfer.source}, defaultdict[tuple[str, int, int], float](float)
    for parents in parents_PR.tolist():
        for region, parent in enumerate(parents):
            if parent == -1 and region not in transfer.destinations:
                continue
            if (
                region == transfer.source
                or not 0 <= parent < len(parents)
                or not leads_to_source(parents, region, transfer.source)
            ):
                return None
            egress += gb * network.usd_per_gb_RR[parent, region]
            used.add(region)
            for place in (("link", parent, region), ("out", parent, 0), ("in", region, 0)):
                loads[place] += 8 * gb
    gbps = {"out": network.egress_gbps_R[:, None], "in": network.ingress_gbps_R[:, None], "link": network.gbps_RR}
    hours = max(gbit / gbps[kind][here, there] for (kind, here, there), gbit in loads.items()) / 3600
    machines = sum(network.machines_usd_per_h_R[region] for region in used)
    return float(egress + hours * (machines + transfer.time_usd_per_h))


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 2**32 - 1), regions=st.integers(2, 8), partitions=st.integers(1, 5))
def test_plans_are_judged_as_the_rules_say(seed: int, regions: int, partitions: int) -> None:
    rng = np.random.default_rng(seed)
    transfer = random_transfer(rng, regions=regions, destinations=int(rng.integers(1, regions)), partitions=partitions)
    for _ in range(10):
        plan = random_plan(transfer, rng)
        if rng.random() < 0.5:  # one entry is any number near
            plan[rng.integers(partitions), rng.integers(regions)] = rng.integers(-2, regions + 1)
        by_hand = usd_by_hand(transfer, plan)
        if by_hand is None:
            with pytest.raises(CandidateFailure):
                read_trees(plan, transfer)
        else:
            assert bill_of(read_trees(plan, transfer), transfer).usd == pytest.approx(by_hand, rel=1e-9)
