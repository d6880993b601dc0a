"""Small machines, traces and programs for the tests of `tier_cache`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.placement.tier_cache.engine import Cache, Decide
from evaluators.placement.tier_cache.patterns import PATTERNS
from evaluators.placement.tier_cache.scenario import Scenario, make_scenario
from evaluators.placement.tier_cache.system import Floats, Ints, System, Trace
from evaluators.placement.tier_cache.workload import draw_trace
from evaluators.problem import ClockPolicy

CLOCK = ClockPolicy()
START = "import numpy as np\nclass Policy:\n    def __init__(self, config):\n        self.c = config\n"
LRU = (
    START + "        self.last = np.full((config['layers'], config['experts']), -1.0, dtype=np.float32)\n"
    "    def decide(self, event):\n"
    "        n = event['step'] * self.c['layers'] + event['layer']\n"
    "        self.last[event['layer'], event['tokens'] > 0] = n\n"
    "        return {'keep': self.last}\n"
)


def answering(keep: str, ahead: str = "") -> str:
    """A program that returns these expressions of `event`."""
    more = f", 'ahead': {ahead}" if ahead else ""
    return START + f"    def decide(self, event):\n        c = self.c\n        return {{'keep': {keep}{more}}}\n"


def a_system(
    layers: int = 1,
    experts: int = 4,
    capacity: int = 2,
    *,
    load_us: int = 10,
    dense_us: int = 3,
    expert_us: int = 2,
    top_k: int = 1,
    tokens: int = 1,
) -> System:
    return System(
        layers=layers,
        experts=experts,
        top_k=top_k,
        tokens=tokens,
        capacity=capacity,
        load_us=load_us,
        dense_us=dense_us,
        expert_us=expert_us,
    )


def objects(*rows: Sequence[int]) -> list[Ints]:
    """What events need."""
    return [np.array(row, dtype=np.int64) for row in rows]


def holding(system: System, *there: int) -> np.ndarray:
    """What is on the GPU at first."""
    resident_O = np.zeros(system.objects, dtype=bool)
    resident_O[list(there)] = True
    return resident_O


def scripted(keep: Sequence[float], *ahead: Sequence[int]) -> Decide:
    """The same `keep` at every event, and what each loads ahead."""

    def decide(event: int, cache: Cache) -> tuple[Floats, Sequence[int]]:
        del cache
        return np.array(keep, dtype=np.float32), ahead[event] if event < len(ahead) else ()

    return decide


def thrown(system: System, rng: np.random.Generator) -> Decide:
    """Any answers."""

    def decide(event: int, cache: Cache) -> tuple[Floats, Sequence[int]]:
        del event, cache
        keep_O = rng.integers(0, 5, size=system.objects).astype(np.float32)
        return keep_O, rng.permutation(system.objects)[: rng.integers(0, 6)].tolist()

    return decide


def random_events(rng: np.random.Generator, system: System, count: int, most: int = 2) -> list[Ints]:
    """Events that need one to `most` experts of their layer."""
    return [
        event % system.layers * system.experts
        + np.sort(rng.permutation(system.experts)[: rng.integers(1, most + 1)]).astype(np.int64)
        for event in range(count)
    ]


def a_trace(system: System, *, pattern: str = "popular", steps: int = 6, hint: float = 0.0, seed: int = 0) -> Trace:
    return draw_trace(PATTERNS[pattern], system, steps, hint, np.random.default_rng(seed))


def a_scenario(
    *, hint: float = 0.0, lookahead: int = 0, seed: int = 0, steps: int = 6, tokens: int = 1, pattern: str = "popular"
) -> Scenario:
    system = a_system(3, 8, 10, load_us=20, dense_us=5, expert_us=3, top_k=2, tokens=tokens)
    trace = a_trace(system, pattern=pattern, steps=steps, hint=hint, seed=seed)
    return make_scenario("one", "some", system, trace, hint=hint, lookahead=lookahead, candidate_seed=7)
