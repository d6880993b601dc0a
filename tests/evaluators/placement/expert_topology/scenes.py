"""Small systems, routings and placements to try the task's parts on."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from evaluators.placement.cost import DEVICES, ExpertCurve, ExpertShape, Network, measured_curve, roofline_curve
from evaluators.placement.expert_topology.journey import Routing
from evaluators.placement.expert_topology.plan import check_placement
from evaluators.placement.expert_topology.system import Residency, System
from evaluators.placement.expert_topology.traffic import Whole
from evaluators.placement.expert_topology.workload import Regime, TraceShape, Workload, draw_workload
from evaluators.problem import ClockPolicy

CLOCK = ClockPolicy()
STAIRS = measured_curve(np.array([1, 16, 64, 256]), np.array([9.0, 8.0, 12.0, 70.0]))
SHAPE = ExpertShape(hidden=2048, intermediate=2048)


def a_network(gpus: int = 4, nodes: int = 2, *, hierarchical: bool = False) -> Network:
    return Network(
        gpus=gpus,
        nodes=nodes,
        intra_bytes_per_s=155e9,
        inter_bytes_per_s=45e9,
        token_bytes=SHAPE.token_bytes,
        latency_us=40.0,
        hierarchical=hierarchical,
    )


def a_system(
    network: Network | None = None,
    *,
    experts: int = 8,
    slots: int = 8,
    layers: int = 3,
    top_k: int = 2,
    tokens: int = 2048,
    residency: Residency = Residency.FOLLOW,
    overlapped: bool = False,
    curve: ExpertCurve | None = None,
) -> System:
    return System(
        layers=layers,
        experts=experts,
        top_k=top_k,
        slots=slots,
        tokens=tokens,
        hidden=SHAPE.hidden,
        curve=curve or roofline_curve(DEVICES["h800"], SHAPE, 64),
        network=network or a_network(),
        residency=residency,
        fixed_us=5.0,
        overlapped=overlapped,
    )


@st.composite
def systems(draw: st.DrawFn) -> System:
    nodes = draw(st.sampled_from([1, 2, 3]))
    per_node = draw(st.sampled_from([1, 2, 4]))
    gpus = max(2, nodes * per_node)
    per_gpu = draw(st.integers(1, 4))
    slots = gpus * per_gpu
    experts = slots - draw(st.integers(0, max(0, min(slots - 2, slots - per_gpu - 1))))
    return a_system(
        a_network(gpus, gpus // per_node if gpus % per_node == 0 else 1, hierarchical=draw(st.booleans())),
        experts=experts,
        slots=slots,
        layers=2,
        top_k=draw(st.integers(1, min(4, experts - 1))),
        tokens=draw(st.sampled_from([64, 512, 8192])),
        residency=draw(st.sampled_from(list(Residency))),
        overlapped=draw(st.booleans()),
        curve=STAIRS if draw(st.booleans()) else None,
    )


def draw_routing(system: System, seed: int, *, tokens: int = 48, iterations: int = 2, boost: float = 2.0) -> Workload:
    shape = TraceShape(
        layers=system.layers,
        experts=system.experts,
        top_k=system.top_k,
        gpus=system.network.gpus,
        shown=tokens,
        iterations=iterations,
        per_iteration=tokens,
    )
    rng = np.random.default_rng(seed)
    regime = Regime(name="scene", popularity=rng.uniform(0, 2), topical=rng.uniform(0, 2), boost=boost, locality=0.8)
    return draw_workload(regime, shape, rng)


def draw_placement(system: System, rng: np.random.Generator) -> Whole:
    """Any valid placement: copies fill the slots from the fullest expert on, each GPU takes no expert twice."""
    return check_placement(np.stack([_draw_row(system, rng) for _ in range(system.layers)]), system)


def _draw_row(system: System, rng: np.random.Generator) -> Whole:
    gpus, experts = system.network.gpus, system.experts
    while True:
        extra = rng.choice(experts, system.spare)
        counts = 1 + np.bincount(extra, minlength=experts)
        room = np.full(gpus, system.slots_per_gpu)
        held: list[list[int]] = [[] for _ in range(gpus)]
        for expert in sorted(range(experts), key=lambda e: (-counts[e], rng.random())):
            free = [g for g in np.lexsort((rng.random(gpus), -room)) if room[g] > 0][: counts[expert]]
            for gpu in free:
                held[gpu].append(expert)
                room[gpu] -= 1
        if not room.any() and counts.max() <= gpus:
            return np.array([expert for row in held for expert in rng.permutation(row)], dtype=np.int64)


def as_routing(ids_TLK: Whole, source_T: Whole, iterations: int = 1) -> Routing:
    return Routing(ids_TLK=ids_TLK, source_T=source_T, iterations=iterations)
