"""Small systems, loads and plans for the placement tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from evaluators.contract import InstanceResult, Split
from evaluators.placement.cost import DEVICES, ExpertShape, Floats, Integers, Network, roofline_curve
from evaluators.placement.expert_replication.dispatch import Dispatch, Plan, even_plan
from evaluators.placement.expert_replication.ranges import SEARCH_REGIMES
from evaluators.placement.expert_replication.scenario import Scenario, build_scenario
from evaluators.placement.expert_replication.system import System
from evaluators.placement.expert_replication.workload import LoadShape, Workload, draw_workload
from evaluators.problem import ClockPolicy, PlannerClock
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

EXPERT = ExpertShape(hidden=512, intermediate=256)
MODELLED = ClockPolicy(clock=PlannerClock.MODELLED)
MEASURED = ClockPolicy(clock=PlannerClock.MEASURED)

STATIC = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.row = np.arange(config["slots"]) % config["experts"]
    def plan(self, loads, samples, placement, window):
        return {"placement": np.tile(self.row, (len(placement), 1))}
"""
# New spare copies in every window, for the experts that were busiest; the last slot of each GPU is a spare.
SHIFTING = """
import numpy as np
class Policy:
    def __init__(self, config):
        self.config = config
    def plan(self, loads, samples, placement, window):
        c = self.config
        placement = placement.copy()
        slots, gpus = c["slots_per_gpu"], c["gpus"]
        for row, load in zip(placement, loads[-1]):
            for gpu in range(gpus):
                held = row[gpu * slots : (gpu + 1) * slots]
                single = np.bincount(row, minlength=c["experts"])[held] > 1
                if single.any():
                    order = [e for e in np.argsort(-load) if e not in held]
                    held[np.argmax(single)] = order[(gpu + window) % 3]
        return {"placement": placement, "dispatch": window % 4 if window % 4 != 1 else 0}
"""


def a_network(**changes: object) -> Network:
    network = Network(
        gpus=8,
        nodes=2,
        intra_bytes_per_s=155e9,
        inter_bytes_per_s=45e9,
        token_bytes=EXPERT.token_bytes,
        latency_us=10.0,
        hierarchical=False,
    )
    return replace(network, **changes)  # type: ignore[arg-type]


def a_system(network: Network | None = None, **changes: object) -> System:
    system = System(
        layers=3,
        experts=16,
        top_k=2,
        slots=24,
        tokens=512,
        expert_bytes=float(EXPERT.weight_bytes),
        curve=roofline_curve(DEVICES["h800"], EXPERT, tile=16),
        network=network or a_network(),
        fixed_us=5.0,
        attention_us=3.0,
        shard_efficiency=0.75,
        lp_us=2.0,
        overlapped=False,
        asynchronous=False,
        iterations_per_window=10,
        seconds_per_window=0.5,
    )
    return replace(system, **changes)  # type: ignore[arg-type]


def a_load_shape(system: System, **changes: int) -> LoadShape:
    shape = LoadShape(
        layers=system.layers,
        experts=system.experts,
        top_k=system.top_k,
        groups=system.network.groups,
        tokens=system.tokens,
        iterations_per_window=system.iterations_per_window,
        kept_iterations=4,
        warmup=3,
        scored=6,
    )
    return replace(shape, **changes)


def a_workload(system: System, seed: int = 0) -> Workload:
    return draw_workload(SEARCH_REGIMES[2], a_load_shape(system), np.random.default_rng(seed))


def a_scenario(system: System | None = None, seed: int = 0) -> Scenario:
    system = system or a_system()
    return build_scenario("scene", "fast", system, a_workload(system, seed), candidate_seed=1)


def played(scenario: Scenario, source: str, clock: ClockPolicy = MODELLED) -> InstanceResult:
    return scenario.play(InProcessCandidate(source), clock)


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Machines and models of many shapes, both all-to-alls, with and without group limits."""
    nodes, per_node = draw(st.sampled_from([(1, 2), (1, 4), (2, 2), (4, 1), (2, 4)]))
    gpus = nodes * per_node
    groups = draw(st.sampled_from([1, 2, 4]))
    experts = 8 * draw(st.integers(1, 2))
    spare = draw(st.integers(0, 3)) * gpus + -experts % gpus
    network = a_network(
        gpus=gpus,
        nodes=nodes,
        hierarchical=draw(st.booleans()),
        groups=groups,
        group_limit=draw(st.integers(1, groups)),
        inter_bytes_per_s=draw(st.sampled_from([45e9, 155e9])),
        token_bytes=draw(st.sampled_from([1.0, 1500.0, 50000.0])),
    )
    slots = min(experts + spare, gpus * experts)
    return a_system(network, experts=experts, slots=slots, layers=2, overlapped=draw(st.booleans()))


def draw_loads(system: System, rng: np.random.Generator, num_iterations: int = 2) -> Floats:
    """Skewed integer counts ``(I, L, E)``, no expert getting more than one choice of a token."""
    size = (num_iterations, system.layers, system.experts)
    chances = rng.dirichlet(np.full(system.experts, rng.choice([0.2, 1.0, 10.0])), size[:2])
    tokens = int(rng.choice([1, 7, 64, 5000]))
    counts: Floats = np.minimum(rng.multinomial(tokens * system.top_k, chances), tokens).astype(np.float64)
    return counts


def draw_placement(system: System, rng: np.random.Generator) -> Integers:
    """A random valid placement ``(L, P)``."""
    return np.stack([_draw_row(system, rng) for _ in range(system.layers)]).astype(np.int64)


def _draw_row(system: System, rng: np.random.Generator) -> Integers:
    """Spare copies go to random GPUs that lack the expert; then every GPU is filled from the experts still missing."""
    gpus, room, experts = system.network.gpus, system.slots_per_gpu, system.experts
    while True:
        held: list[set[int]] = [set() for _ in range(gpus)]
        for expert in rng.permutation(experts):
            free = [gpu for gpu in range(gpus) if len(held[gpu]) < room]
            held[int(rng.choice(free))].add(int(expert))
        favourites = rng.permutation(experts)
        for gpu in range(gpus):
            others = [int(expert) for expert in favourites if expert not in held[gpu]]
            held[gpu].update(others[: room - len(held[gpu])])
        if all(len(experts_here) == room for experts_here in held):
            return np.array([expert for gpu in held for expert in rng.permutation(sorted(gpu))], dtype=np.int64)


def draw_plan(system: System, dispatch: Dispatch, rng: np.random.Generator) -> Plan:
    """A random valid plan; with `Dispatch.SPLIT` the shares are random, some of them 0."""
    placement = draw_placement(system, rng)
    even = even_plan(placement, system.experts)
    if dispatch is not Dispatch.SPLIT:
        return Plan(placement, dispatch, even.split_LP)
    weights = rng.random(placement.shape) * (rng.random(placement.shape) > 0.3) + 1e-12
    shares = np.empty_like(weights)
    for row, weight, share in zip(placement, weights, shares, strict=True):
        share[:] = weight / np.bincount(row, weight, system.experts)[row]
    return Plan(placement, dispatch, shares)
