"""The programs of `seeds/pipeline_layout`: valid on every network, and each the method that it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import ReplyField
from evaluators.contract import Outcome, Split, Tier
from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Ints, Network, by_site
from evaluators.placement.pipeline_layout.scenario import FIELDS, Scenario, make_scenario
from evaluators.placement.pipeline_layout.task import PROBLEM
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.pipeline_layout.networks import a_job, random_network
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "pipeline_layout"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
LONG = re.compile(r"^(MOVES|TRIES|CHILDREN) = \d+", re.MULTILINE)  # searches, which end sooner here
SOURCES = {name: LONG.sub(r"\1 = 60", path.read_text(encoding="utf-8")) for name, path in FILES.items()}


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=1)
def edges() -> tuple[Scenario, ...]:
    """Two devices, more devices than layers and micro-batches, memory that only pipelines fit."""
    rng = np.random.default_rng(4)
    made = [
        (a_job(layers=3, micro_batches=2), random_network(rng, 2, (20.0, 30.0))),
        (a_job(layers=2, micro_batches=3), random_network(rng, 9, (20.0, 30.0))),
        (a_job(layers=8, micro_batches=16), random_network(rng, 8, (1.5, 1.6))),
    ]
    return tuple(make_scenario(f"edge-{i}", "edge", job, network, 1) for i, (job, network) in enumerate(made))


def answer(name: str, scenario: Scenario) -> Mapping[str, Ints]:
    fields = tuple(ReplyField(name=f, dtype="int64", shape=(scenario.network.num_devices,)) for f in FIELDS)
    arrays = InProcessCandidate(SOURCES[name]).function("layout", scenario.arguments(), fields).arrays
    return {field: arrays[field].astype(np.int64) for field in FIELDS}


@cache
def scores(name: str) -> Sequence[float]:
    found = []
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges()):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        found.append(result.score)
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_network_and_not_above_the_bound(name: str) -> None:
    assert max(scores(name)) <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    scenario = smoke(Split.SEARCH)[3]
    one, other = answer(name, scenario), answer(name, scenario)
    assert all((one[field] == other[field]).all() for field in FIELDS)


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_weak_baseline_is_score_0() -> None:
    assert scores("in_order") == pytest.approx([0.0] * 13, abs=1e-12)


def two_racks() -> Scenario:
    """Two sites of four fast and four slow devices; links between them are a hundredth of those within."""
    network = by_site(
        np.repeat([0, 1], 4),
        np.repeat([100.0, 50.0], 4),
        np.full(8, 40.0),
        np.full((2, 2), 1e-4),
        np.array([[10.0, 0.1], [0.1, 10.0]]),
    ).shuffled(np.random.default_rng(1))
    return make_scenario("racks", "racks", Job(layers=24, hidden=1536, sequence=2048, micro_batches=64), network, 3)


def sites_of(network: Network) -> Ints:
    """Fast devices are at one site, slow ones at the other."""
    return (network.tflops_D < 75).astype(np.int64)


@lru_cache(maxsize=1)
def far_apart() -> Scenario:
    """Of the hold-out, where fewer replicas than there is room for are better."""
    drawn = PROBLEM.instances(Tier.QUICK, Split.HOLDOUT, SeedSource(secret_from_seed(2), Split.HOLDOUT))
    return next(scenario for scenario in drawn if scenario.regime == "far")


@pytest.mark.parametrize("name", ["clusters", "local_search", "annealing", "two_arrangements"])
def test_gradients_stay_within_a_rack_where_links_between_are_slow(name: str) -> None:
    scenario = two_racks()
    found, site = answer(name, scenario), sites_of(scenario.network)
    for stage in range(found["stage"].max() + 1):
        assert len(set(site[found["stage"] == stage])) == 1


def test_alike_pipelines_are_alike_and_equal_mixes_equal() -> None:
    scenario = two_racks()
    site = sites_of(scenario.network)
    alike, mixed = answer("alike_pipelines", scenario), answer("equal_mix", scenario)
    if alike["stage"].max() <= 3:
        assert all(len(set(site[alike["replica"] == r])) == 1 for r in range(alike["replica"].max() + 1))
    assert all(len(set(site[mixed["stage"] == s])) == 1 for s in range(mixed["stage"].max() + 1))


def test_one_pipeline_is_one() -> None:
    for scenario in smoke(Split.HOLDOUT):
        assert answer("one_pipeline", scenario)["replica"].max() == 0


def test_searches_are_not_below_what_they_start_from() -> None:
    for better, worse in (("local_search", "two_arrangements"), ("annealing", "two_arrangements")):
        assert all(one >= other - 1e-12 for one, other in zip(scores(better), scores(worse), strict=True))


CONSTANTS = {
    "MOST_STAGES": "2", "FULLNESS": "0.0", "NEARNESS": "1.0", "SIDE_BY_SIDE": "False", "CLIMBED": "3", "MOVES": "800",
    "SWAPS": "0.2", "LAYER_SHIFTS": "0.0",
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANTS)
def test_each_constant_of_the_initial_program_decides_something(name: str) -> None:
    head, _, tail = SOURCES["initial"].partition(f"\n{name} = ")
    changed = f"{head}\n{name} = {CONSTANTS[name]}  #{tail}"
    scenarios = [*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), two_racks(), far_apart()]
    played = [
        [one.play(InProcessCandidate(source), ClockPolicy()).score for one in scenarios]
        for source in (SOURCES["initial"], changed)
    ]
    assert played[0] != played[1]


@pytest.mark.parametrize(
    ("function", "body"),
    [
        ("distance", "return per_gb * layer_gb * float('nan')"),
        ("stage_speed", "return speeds.min(axis=0) * 0"),
        ("worth", "return float('nan')"),
    ],
)
def test_the_frame_keeps_plans_valid_whatever_its_functions_say(function: str, body: str) -> None:
    head, _, tail = SOURCES["initial"].partition(f"def {function}(")
    signature, _, rest = tail.partition("\n")
    odd = f"{head}def {function}({signature}\n    {body}\n{rest}"
    for scenario in (*smoke(Split.SEARCH), *edges()):
        assert scenario.play(InProcessCandidate(odd), ClockPolicy()).outcome is Outcome.SCORED
