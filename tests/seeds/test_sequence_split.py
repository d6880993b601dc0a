"""The programs of `seeds/sequence_split`: valid on every batch, and each the method that it names."""

from __future__ import annotations

import ast
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.sequence_split.first_fit import first_fit
from evaluators.scheduling.sequence_split.machine import Sync
from evaluators.scheduling.sequence_split.scenario import Scenario
from evaluators.scheduling.sequence_split.task import PROBLEM
from evaluators.scheduling.sequence_split.timing import Plan, time_plan
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.sequence_split.batches import a_scenario, batch_of, machine, random_batch
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "sequence_split"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
BY_NEED = ("first_fit", "first_fit_decreasing", "lpt_tokens", "lpt_cost", "karmarkar_karp")


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=1)
def quick() -> tuple[Scenario, ...]:
    seeds = SeedSource(secret_from_seed(2), Split.SEARCH)
    return tuple(s for s in PROBLEM.instances(Tier.QUICK, Split.SEARCH, seeds) if s.batch.size <= 128)[:9]


@cache
def plan_of(name: str, place: int) -> Plan:
    return quick()[place].plan_of(InProcessCandidate(SOURCES[name]))


def step_us(name: str) -> float:
    """Over all batches of `quick`, in units of first fit."""
    return float(np.mean([time_plan(s.batch, plan_of(name, i)).step_us / s.weak_us for i, s in enumerate(quick())]))


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_batch_and_not_above_the_bound(name: str) -> None:
    edges = [a_scenario(batch_of(50, on=machine(1, 1))), a_scenario(batch_of(1, 1, on=machine(3, 2), cap=1))]
    edges += [a_scenario(random_batch(seed, size)) for seed, size in ((1, 5), (2, 30), (5, 12), (8, 1), (11, 40))]
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    scenario = smoke(Split.SEARCH)[5]
    plans = [scenario.plan_of(InProcessCandidate(SOURCES[name])) for _ in range(2)]
    assert (plans[0].ranks_NG == plans[1].ranks_NG).all()
    assert (plans[0].micro_batch_N == plans[1].micro_batch_N).all()


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_first_fit_is_the_weak_baseline_of_the_engine() -> None:
    for place, scenario in enumerate(quick()):
        plan, expected = plan_of("first_fit", place), first_fit(scenario.batch)
        assert (plan.ranks_NG == expected.ranks_NG).all()
        assert (plan.micro_batch_N == expected.micro_batch_N).all()


@pytest.mark.parametrize("name", BY_NEED)
def test_programs_that_cut_by_need_cut_hardly_anything_else(name: str) -> None:
    for place, scenario in enumerate(quick()):
        wider = plan_of(name, place).widths_N > scenario.batch.needed_N  # where there was no room otherwise
        assert wider.mean() <= 0.02


def test_uniform_programs_cut_everything_alike() -> None:
    for place, scenario in enumerate(quick()):
        on = scenario.batch.machine
        everywhere, in_node = (plan_of(name, place).widths_N for name in ("context_parallel", "node_parallel"))
        assert (everywhere == on.ranks).all() or (everywhere == first_fit(scenario.batch).widths_N).all()
        assert set(in_node.tolist()) <= {on.ranks_per_node, on.ranks} or (in_node == scenario.batch.needed_N).all()


def test_zones_are_ranks_nodes_and_several_nodes() -> None:
    batch = batch_of(2000, 600, *[100] * 20, on=machine(8, 4), cap=2000)
    plan = a_scenario(batch).plan_of(InProcessCandidate(SOURCES["zeppelin_zones"]))
    assert plan.widths_N[0] == 8
    assert plan.widths_N[1] < 4
    assert (plan.widths_N[2:] == 1).all()


def test_sequences_are_as_narrow_as_the_guess_allows() -> None:
    for on in (machine(8, 8, sync=sync, hop_us=1.0) for sync in Sync):
        batch = batch_of(800, *[200] * 20, on=on, cap=4000)
        plan = a_scenario(batch).plan_of(InProcessCandidate(SOURCES["moldable"]))
        assert 1 < plan.widths_N[0] < 8
        assert (plan.widths_N[1:] <= plan.widths_N[0]).all()


def test_cutting_what_is_long_beats_cutting_by_need_and_searching_beats_both() -> None:
    assert step_us("lpt_cost") < step_us("lpt_tokens") < step_us("first_fit")
    assert step_us("initial") < step_us("lpt_cost")
    assert step_us("local_search") < step_us("moldable")
    assert step_us("moldable") < step_us("lpt_cost")


def with_constants(source: str, lines: str) -> str:
    for line in lines.splitlines():
        name = line.partition(" = ")[0]
        (old,) = [one for one in source.splitlines() if one.startswith(f"{name} = ")]
        source = source.replace(old, line)
    return source


@pytest.mark.parametrize(
    ("new", "given"),
    [
        ("CUT = 3.0", ""),
        ("SHARD = 0.3", ""),
        ("SYNCED = 1.0", ""),
        ("ROUND = 1.0", ""),
        ("INSIDE = 1.0", "SHARD = 0.1"),
        ("WIDE = 2.0", ""),
        ("END = 0.1", "GROWTH = 1.0"),
        ("GROWTH = 3.0", ""),
        ("FULL = 2.0", ""),
        ("LATE = 50.0", ""),
        ("HOME = 5.0", "SHARD = 0.3"),
        ("TRIES = 4.0", ""),
        ("SPREAD = 2.0", "TRIES = 3.0"),
        ("POLISH = 1.0", ""),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(new: str, given: str) -> None:
    plain = with_constants(SOURCES["initial"], given)
    changed = with_constants(plain, new)
    for scenario in quick():
        one, other = (scenario.plan_of(InProcessCandidate(source)) for source in (plain, changed))
        if (one.ranks_NG != other.ranks_NG).any() or (one.micro_batch_N != other.micro_batch_N).any():
            return
    pytest.fail(f"{new} changes no plan")


@pytest.mark.parametrize(
    "lines",
    [
        "SHARD = 0.0", "SHARD = -1.0", "SHARD = float('nan')", "CUT = -1.0", "TRIES = 1e9", "TRIES = float('nan')",
        "SPREAD = -3.0\nTRIES = 4.0", "POLISH = float('inf')", "END = float('inf')", "WIDE = 1e6", "SYNCED = 99.0",
        "GROWTH = -5.0", "FULL = float('nan')",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_constant_makes_the_initial_program_fail(lines: str) -> None:
    candidate = InProcessCandidate(with_constants(SOURCES["initial"], lines))
    for scenario in smoke(Split.SEARCH):
        assert scenario.play(candidate, ClockPolicy()).outcome is Outcome.SCORED


def test_the_initial_program_marks_what_may_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
