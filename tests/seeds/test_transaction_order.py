"""The programs of `seeds/transaction_order`: valid on every batch, and each the method that it names."""

from __future__ import annotations

import ast
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.transaction_order.admission import makespan
from evaluators.scheduling.transaction_order.batch import NO_DELAY
from evaluators.scheduling.transaction_order.scenario import Scenario
from evaluators.scheduling.transaction_order.search import greedy_order, inserted_order
from evaluators.scheduling.transaction_order.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.transaction_order.batches import a_scenario, batch_of, random_batch
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "transaction_order"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
GREEDY = ("smf_5", "smf_10", "smf_all", "long_weighted")
SEARCHING = ("insertion", "insertion_climb", "annealing", "ruin_recreate")


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=1)
def dense() -> Scenario:
    return a_scenario(random_batch(5, 40, longest=10, keys=15))


@cache
def order_of(name: str) -> list[int]:
    return dense().run(InProcessCandidate(SOURCES[name]))


def slots(name: str) -> int:
    return makespan(dense().batch, order_of(name))


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_batch_and_not_above_the_bound(name: str) -> None:
    edges = [a_scenario(batch_of(*["wa"] * 4)), a_scenario(batch_of("ra", "rb", "ra"), 2, 1)]
    edges += [a_scenario(batch_of("ra wa rb", "wb")), a_scenario(random_batch(3, 9), waiting=2, admit=2)]
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    scenario = smoke(Split.SEARCH)[3]
    orders = [scenario.run(InProcessCandidate(SOURCES[name])) for _ in range(2)]
    assert orders[0] == orders[1]


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_initial_program_is_shortest_makespan_first_with_room_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), dense()):
        initial, smf = (scenario.run(InProcessCandidate(SOURCES[name])) for name in ("initial", "smf_all"))
        assert initial == smf
    assert order_of("initial") == greedy_order(dense().batch)


@pytest.mark.parametrize(
    ("new", "given"),
    [
        ("GROWTH = 20.0", "LENGTH = 2.0"),
        ("END = -1.0", ""),
        ("LENGTH = 5.0", ""),
        ("CONTENTION = 50.0", ""),
        ("APART = 5.0", ""),
        ("PUSH = 5.0", ""),
        ("WRITES = 50.0", ""),
        ("WAITED = 50.0", ""),
        ("REACH = 1.0", ""),
        ("LAST = 0.0", "REACH = 1.0"),
        ("POLISH = 2.0", ""),
        ("CRITICAL = 1.0", "POLISH = 2.0"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(new: str, given: str) -> None:
    plain = with_constant(SOURCES["initial"], given) if given else SOURCES["initial"]
    changed = with_constant(plain, new)
    worlds = (*smoke(Split.SEARCH), dense())
    assert any(s.run(InProcessCandidate(changed)) != s.run(InProcessCandidate(plain)) for s in worlds)


def with_constant(source: str, line: str) -> str:
    name = line.partition(" = ")[0]
    (old,) = [one for one in source.splitlines() if one.startswith(f"{name} = ")]
    return source.replace(old, line)


@pytest.mark.parametrize("line", ["REACH = 1.0", "POLISH = 1e9", "POLISH = -3.0", "REACH = float('nan')"])
def test_no_constant_makes_the_initial_program_fail_or_run_away(line: str) -> None:
    for scenario in (*smoke(Split.SEARCH), dense()):
        candidate = InProcessCandidate(with_constant(SOURCES["initial"], line))
        assert scenario.play(candidate, ClockPolicy()).outcome is Outcome.SCORED


def test_arrival_is_the_weak_baseline() -> None:
    assert order_of("arrival") == list(range(40))
    assert PROBLEM.task.weak_baseline == "arrival"


def test_longest_first_and_hot_keys_first_sort_by_what_they_say() -> None:
    lengths = dense().batch.lengths_N[order_of("longest_first")]
    assert (np.diff(lengths) <= 0).all()
    scenario = a_scenario(batch_of("rc rd", "wb", "wa", "wa", "wa rb", "re"))
    assert scenario.run(InProcessCandidate(SOURCES["hot_key_first"]))[:3] == [4, 2, 3]


def test_layers_are_free_of_conflicts() -> None:
    batch = dense().batch
    layers: list[list[int]] = [[]]
    for row in order_of("colour_layers"):
        if any(batch.delays_NN[row, other] > NO_DELAY for other in layers[-1]):
            layers.append([])
        layers[-1].append(row)
    assert len(layers) < 25
    assert len(layers[0]) > 2


def test_greedy_orders_beat_arrival_and_insertion_beats_them() -> None:
    assert all(slots(name) < dense().weak for name in GREEDY)
    assert slots("smf_all") <= slots("smf_5")
    assert all(slots(name) < min(slots(greedy) for greedy in GREEDY) for name in SEARCHING)


def test_a_climb_ends_no_higher_than_where_it_began() -> None:
    assert order_of("insertion") == inserted_order(dense().batch)
    assert slots("insertion_climb") <= slots("smf_all")
    assert slots("annealing") <= slots("smf_all")
    assert slots("ruin_recreate") <= slots("insertion")


def test_the_best_of_random_orders_is_not_worse_than_one() -> None:
    one = SOURCES["random_best"].replace("ORDERS = 20", "ORDERS = 1")
    assert slots("random_best") <= makespan(dense().batch, dense().run(InProcessCandidate(one)))


def test_a_search_has_steps_left_where_it_is_called_for_every_transaction() -> None:
    """Steps are divided among the calls of a stream, and insertion takes its part first: what is left must tell."""
    sums = dict.fromkeys(("insertion", "ruin_recreate"), 0)
    for seed in (0, 1):
        stream = a_scenario(random_batch(seed, 60, longest=10, keys=15), waiting=16, admit=1)
        for name in sums:
            sums[name] += makespan(stream.batch, stream.run(InProcessCandidate(SOURCES[name])))
    assert sums["ruin_recreate"] < 0.85 * sums["insertion"]
