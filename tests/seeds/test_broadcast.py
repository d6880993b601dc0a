"""The programs of `seeds/broadcast`: valid on every transfer, below the bound, and each the method that it names."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.broadcast_reference import rounded
from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.broadcast.plan import NOT_THERE, Ints, bill_of, read_trees
from evaluators.scheduling.broadcast.scenario import Scenario
from evaluators.scheduling.broadcast.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.broadcast.transfers import (
    a_network,
    a_scenario,
    a_transfer,
    every_tree,
    random_transfer,
)
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "broadcast"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
EVERY_PROGRAM = pytest.mark.parametrize("name", FILES)


@lru_cache(maxsize=4)
def scenarios(tier: Tier, split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(tier, split, SeedSource(secret_from_seed(2), split)))


def trees(source: str, scenario: Scenario) -> Ints:
    return scenario.ask(InProcessCandidate(source))


@EVERY_PROGRAM
def test_every_program_is_scored_on_every_kind_of_transfer_and_stays_below_the_bound(name: str) -> None:
    played = *scenarios(Tier.SMOKE, Split.SEARCH), *scenarios(Tier.QUICK, Split.HOLDOUT)[:5]
    for scenario in played:
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@EVERY_PROGRAM
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_initial_program_is_the_shortest_path_heuristic_with_room_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    for scenario in scenarios(Tier.SMOKE, Split.SEARCH):
        assert (trees(SOURCES["initial"], scenario) == trees(SOURCES["steiner"], scenario)).all()


def changed(**constants: str) -> str:
    """The initial program with other constants."""
    source = SOURCES["initial"]
    for name, value in constants.items():
        source, found = re.subn(rf"^{name} = [^ ]+", f"{name} = {value}", source, flags=re.MULTILINE)
        assert found == 1, name
    return source


@pytest.mark.parametrize(
    ("base", "turned"),
    [
        ({}, {"REUSE": "0.5"}),
        ({"SLOWNESS": "1.0"}, {"PRICE": "0.1"}),
        ({}, {"SLOWNESS": "1.0"}),
        ({}, {"CROWDING": "1.0"}),
        ({"CROWDING": "1.0"}, {"STEEPNESS": "4.0"}),
        ({"CROWDING": "1.0"}, {"OUT": "0.0"}),
        ({"CROWDING": "1.0"}, {"INTO": "0.0"}),
        ({"CROWDING": "1.0"}, {"SWEEPS": "2"}),
        ({"CROWDING": "0.3"}, {"RELAY_TRIES": "6"}),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(base: dict[str, str], turned: dict[str, str]) -> None:
    before, after = changed(**base), changed(**base, **turned)
    played = *scenarios(Tier.SMOKE, Split.SEARCH), *scenarios(Tier.QUICK, Split.HOLDOUT)[:5]
    assert any((trees(before, one) != trees(after, one)).any() for one in played)


@pytest.mark.parametrize("constant", ["REUSE", "PRICE", "SLOWNESS", "CROWDING", "STEEPNESS", "OUT", "INTO"])
@pytest.mark.parametrize("value", ["-1.0", "1e300", "float('inf')", "float('nan')"])
def test_turning_a_constant_of_the_initial_program_keeps_it_valid(constant: str, value: str) -> None:
    source = changed(**{"CROWDING": "1.0", constant: value})
    with np.errstate(all="ignore"):
        for scenario in scenarios(Tier.SMOKE, Split.SEARCH)[:3]:
            assert scenario.play(InProcessCandidate(source), ClockPolicy()).outcome is Outcome.SCORED


def test_sweeps_and_tries_never_make_the_initial_program_dearer() -> None:
    for scenario in scenarios(Tier.SMOKE, Split.SEARCH):
        plain, searched = (
            bill_of(trees(changed(CROWDING="1.0", **more), scenario), scenario.transfer).usd
            for more in ({}, {"SWEEPS": "2", "RELAY_TRIES": "6"})
        )
        assert searched <= plain * (1 + 1e-12)


def egress_usd(name: str, scenario: Scenario) -> float:
    return bill_of(trees(SOURCES[name], scenario), scenario.transfer).egress_usd


@pytest.mark.parametrize("seed", range(5))
def test_trees_are_the_cheapest_that_their_method_promises(seed: int) -> None:
    """Against all trees: Edmonds over source and destinations is exact; the heuristics are within twice the optimum."""
    rng = np.random.default_rng(seed)
    scenario = a_scenario(random_transfer(rng, regions=5, destinations=3, partitions=1))
    transfer = scenario.transfer
    every = every_tree(transfer)
    prices = np.array([bill_of(tree[None], transfer).egress_usd for tree in every])
    without_relays = (every[:, list(transfer.relays)] == NOT_THERE).all(axis=1)
    assert egress_usd("min_arborescence", scenario) == pytest.approx(prices[without_relays].min())
    assert egress_usd("steiner_relays", scenario) <= egress_usd("steiner", scenario) + 1e-6
    assert egress_usd("steiner_relays", scenario) >= prices.min() - 1e-9


def test_cheapest_paths_are_taken_even_where_sharing_would_be_cheaper() -> None:
    usd_RR = np.array([[0, 0.1, 0.11, 0.2], [0.2, 0, 0.02, 0.2], [0.2, 0.2, 0, 0.2], [0.2, 0.2, 0.2, 0]])
    scenario = a_scenario(a_transfer(a_network(usd_per_gb_RR=usd_RR)))
    assert trees(SOURCES["dijkstra_price"], scenario)[0].tolist() == [-1, 0, 0, -1]
    assert trees(SOURCES["steiner"], scenario)[0].tolist() == [-1, 0, 1, -1]


def test_a_cheap_relay_is_found() -> None:
    usd_RR = np.full((4, 4), 0.1)
    usd_RR[3, 1:3] = 0.01
    scenario = a_scenario(a_transfer(a_network(usd_per_gb_RR=usd_RR * (1 - np.eye(4)))))
    assert (trees(SOURCES["steiner_relays"], scenario) == [-1, 3, 3, 0]).all()
    assert egress_usd("spread_relays", scenario) <= 0.8 * egress_usd("steiner_spread", scenario)
    assert (trees(changed(RELAY_TRIES="2"), scenario) == [-1, 3, 3, 0]).all()


def test_spreading_uses_what_every_region_can_send() -> None:
    network = a_network(3, egress_gbps_R=np.full(3, 10.0), usd_per_gb_RR=np.zeros((3, 3)))
    scenario = a_scenario(a_transfer(network, partitions=10, time_usd_per_h=1000.0))
    for name in ("steiner_spread", "spread_relays"):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.score == pytest.approx(1.0, abs=0.15)
        assert result.metrics["distinct_trees"] >= 0.2


def test_trees_along_the_relaxation_are_valid_and_near_the_bound() -> None:
    for scenario in scenarios(Tier.SMOKE, Split.SEARCH):
        plan = read_trees(rounded(scenario.transfer), scenario.transfer)
        assert 0.5 < scenario.score(bill_of(plan, scenario.transfer).usd) <= 1.0 + 1e-9
