"""The programs of `seeds/expert_topology`: valid on every kind of scenario, and each the method that it names."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.placement.cost import Floats
from evaluators.placement.expert_topology.parameters import shape_of
from evaluators.placement.expert_topology.scenario import Scenario, build_scenario
from evaluators.placement.expert_topology.system import Residency
from evaluators.placement.expert_topology.task import PROBLEM, TASK
from evaluators.placement.expert_topology.traffic import Whole
from evaluators.scoring import within_bound
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.expert_topology.scenes import CLOCK, a_network, a_system, draw_routing
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "expert_topology"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}


@lru_cache(maxsize=4)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=8)
def scene(
    residency: Residency = Residency.FOLLOW, *, hierarchical: bool = False, spare: int = 0, top_k: int = 2
) -> Scenario:
    """Sixteen experts on four GPUs, tokens enough to learn from."""
    system = a_system(
        a_network(4, 2, hierarchical=hierarchical),
        experts=16,
        slots=16 + spare,
        layers=4,
        top_k=top_k,
        tokens=16384,
        residency=residency,
    )
    return build_scenario("scene-coherent-0", "scene", system, draw_routing(system, 5, tokens=2048, boost=4.0), 7)


def placed(name_or_source: str, scenario: Scenario) -> Whole:
    return scenario.placed(InProcessCandidate(SOURCES.get(name_or_source, name_or_source)))


def gpu_loads(placement_LP: Whole, scenario: Scenario) -> Floats:
    """Shown picks per GPU, copies alike, (L, G)."""
    ids_TLK = scenario.workload.shown.ids_TLK
    loads = []
    for layer, row in enumerate(placement_LP):
        picks = np.bincount(ids_TLK[:, layer].ravel(), minlength=scenario.system.experts)
        part = picks / np.bincount(row, minlength=scenario.system.experts)
        loads.append(part[row].reshape(scenario.system.network.gpus, -1).sum(axis=1))
    return np.array(loads)


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_scenario_below_the_bound(name: str) -> None:
    edges = [scene(), scene(Residency.HOME, hierarchical=True), scene(spare=8), scene(top_k=1)]
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        result = scenario.play(InProcessCandidate(SOURCES[name]), CLOCK)
        assert result.outcome is Outcome.SCORED
        assert within_bound(result, TASK.bound) is result
        assert result.metrics["time_over_bound"] >= 1.0


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("experts", "gpus", "redundant"), [(8, 12, 16), (5, 4, 3), (6, 5, 19), (12, 4, 0), (9, 8, 7)])
def test_every_program_copes_with_odd_numbers_of_slots(name: str, experts: int, gpus: int, redundant: int) -> None:
    shape = shape_of({"experts": experts, "gpus": gpus, "nodes": 1, "redundant": redundant, "top_k": 2})
    system = a_system(a_network(gpus, 1), experts=experts, slots=shape.slots, layers=2)
    scenario = build_scenario("s", "r", system, draw_routing(system, 1, tokens=gpus * 20), 3)
    assert placed(name, scenario).shape == (2, shape.slots)


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FILES)
def test_equal_calls_give_equal_placements(name: str) -> None:
    assert (placed(name, scene()) == placed(name, scene())).all()


@pytest.mark.parametrize(
    ("constant", "other"),
    [
        ("PASSES", "1"),
        ("COPY_POWER", "0.2"),
        ("FULL_POWER", "3.0"),
        ("HERE", "6.0"),
        ("NEAR", "6.0"),
        ("ONWARD", "6.0"),
        ("ONWARD_NEAR", "6.0"),
        ("MATES", "6.0"),
        ("MATES_NEAR", "6.0"),
        ("MOST_FULL", "0.5"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(constant: str, other: str) -> None:
    changed = re.sub(rf"^{constant} = \S+", f"{constant} = {other}", SOURCES["initial"], flags=re.MULTILINE)
    assert changed != SOURCES["initial"]
    scenarios = scene(), scene(Residency.HOME, hierarchical=True), scene(spare=8)
    assert any((placed(changed, s) != placed("initial", s)).any() for s in scenarios)


def test_the_initial_program_without_discounts_balances_as_lpt() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    plain = SOURCES["initial"]
    for constant in ("HERE", "NEAR", "ONWARD", "ONWARD_NEAR", "MATES", "MATES_NEAR"):
        plain = re.sub(rf"^{constant} = \S+", f"{constant} = 0.0", plain, flags=re.MULTILINE)
    loads = [gpu_loads(placed(source, scene()), scene()) for source in (plain, "lpt")]
    assert np.sort(loads[0]) == pytest.approx(np.sort(loads[1]))


def test_lpt_balances_better_than_a_random_layout() -> None:
    busiest = {name: gpu_loads(placed(name, scene()), scene()).max(axis=1) for name in ("lpt", "random_layout")}
    assert (busiest["lpt"] < busiest["random_layout"]).all()


def test_exflow_keeps_more_tokens_than_load_alone_and_balances_less() -> None:
    results = {name: scene(top_k=1).result(placed(name, scene(top_k=1))) for name in ("exflow", "lpt")}
    assert results["exflow"].metrics["away"] < 0.8 * results["lpt"].metrics["away"]
    assert results["exflow"].metrics["gpu_balance"] <= results["lpt"].metrics["gpu_balance"]


def test_moetuner_has_the_balance_of_its_clusters_and_sends_less() -> None:
    results = {name: scene(top_k=1).result(placed(name, scene(top_k=1))) for name in ("moetuner", "lpt")}
    assert results["moetuner"].metrics["away"] < results["lpt"].metrics["away"]
    assert results["moetuner"].metrics["gpu_balance"] > 0.9 * results["lpt"].metrics["gpu_balance"]


def test_local_search_is_no_worse_than_where_it_starts() -> None:
    scenes = scene(), scene(top_k=1), scene(Residency.HOME, hierarchical=True)
    scores = {name: [s.result(placed(name, s)).score or 0.0 for s in scenes] for name in ("local_search", "moetuner")}
    assert np.mean(scores["local_search"]) > np.mean(scores["moetuner"])


def test_strided_deals_and_contiguous_does_not() -> None:
    assert placed("strided", scene())[0].reshape(4, 4)[1].tolist() == [1, 5, 9, 13]
    assert placed("contiguous", scene())[0].reshape(4, 4)[1].tolist() == [4, 5, 6, 7]


def test_hierarchical_eplb_keeps_neighbours_and_copies_on_a_node() -> None:
    row = placed("eplb_hierarchical", scene(spare=8))[0].reshape(2, -1)
    assert not set(row[0]) & set(row[1])
    assert all(len(set(node // 4)) == 2 for node in row)
