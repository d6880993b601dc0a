"""The whole time of an iteration, counted token by token from what a program is told and nothing else."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.expert_topology.journey import Routing, layer_times
from evaluators.placement.expert_topology.scenario import total_us
from evaluators.placement.expert_topology.system import System
from evaluators.placement.expert_topology.traffic import Copies, Whole
from tests.evaluators.placement.expert_topology.scenes import draw_placement, draw_routing, systems

Told = Mapping[str, Any]
Visits = Sequence[tuple[int, set[int]]]  # of each token: the GPU it is on, and those that it needs


def slot_us(count: int, weight: float, told: Told) -> float:
    """One slot with so many traced tokens."""
    tokens, table = math.ceil(count * weight - 1e-6), told["cost_us"]
    return float(table[min(tokens, len(table) - 1)] + told["cost_slope_us"] * max(0, tokens - len(table) + 1))


def exchange_us(visits: Visits, weight: float, copy_bytes: float, told: Told) -> float:
    """One direction without latency, copy by copy."""
    per_node = told["gpus"] // told["nodes"]
    loads: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for seat, needed in visits:
        home = seat // per_node
        if told["all_to_all"] == "hierarchical" and told["nodes"] > 1:
            ways = {(seat, node * per_node + seat % per_node) for node in {g // per_node for g in needed} - {home}}
            ways |= {(g // per_node * per_node + seat % per_node, g) for g in needed}
        else:
            ways = {(seat, g) for g in needed}
        for here, there in ways:
            if here != there:
                kind = "near" if here // per_node == there // per_node else "far"
                loads[kind].update([("out", here), ("in", there)])
    near, far = (weight * max(loads[kind].values(), default=0) for kind in ("near", "far"))
    near_us = 1e6 * copy_bytes * near / told["bandwidths"]["intra_node"]
    far_us = 1e6 * copy_bytes * far / told["bandwidths"]["inter_node"]
    return float(near_us + far_us if told["all_to_all"] == "hierarchical" else max(near_us, far_us))


def iteration_us(placement_LP: Whole, routing: Routing, system: System, which: int) -> float:
    """All layers of one iteration."""
    told: Told = system.config(0)
    size, follows = routing.per_iteration, told["residency"] == "follow"
    tokens = slice(which * size, (which + 1) * size)
    ids_TLK, weight = routing.ids_TLK[tokens].astype(np.int64), told["tokens"] / size
    seats: Whole = routing.source_T[tokens].astype(np.int64)
    spent = 0.0
    for layer in range(told["layers"]):
        copies = Copies.of(placement_LP[layer], told["experts"], system.network)
        gpus_TK = copies.gpus(ids_TLK[:, layer], seats, np.arange(size), system.network)
        computed = Counter(zip(gpus_TK.ravel().tolist(), ids_TLK[:, layer].ravel().tolist(), strict=True))
        busy = [told["fixed_us"]] * told["gpus"]
        for (gpu, _), count in computed.items():
            busy[gpu] += slot_us(count, weight, told)
        needed = [set(row) for row in gpus_TK.tolist()]
        out = list(zip(seats.tolist(), needed, strict=True))
        seats = gpus_TK[:, 0] if follows else seats
        back = list(zip(seats.tolist(), needed, strict=True))
        exchange = told["latency_us"] * (0.5 if follows and told["top_k"] == 1 else 1.0)
        exchange += exchange_us(out, weight, told["dispatch_bytes"], told)
        if not (follows and told["top_k"] == 1):
            exchange += exchange_us(back, weight, told["combine_bytes"], told)
        spent += max(max(busy), exchange) if told["overlap"] == "two_batch" else max(busy) + exchange
    return spent


@given(system=systems(), seed=st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_the_time_is_what_the_description_says(system: System, seed: int) -> None:
    routing = draw_routing(system, seed).scored
    placement_LP = draw_placement(system, np.random.default_rng(seed))
    told = [iteration_us(placement_LP, routing, system, which) for which in range(routing.iterations)]
    assert total_us(layer_times(placement_LP, routing, system)) == pytest.approx(sum(told) / len(told), rel=1e-9)
