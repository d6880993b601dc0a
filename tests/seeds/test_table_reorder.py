"""The programs of `seeds/table_reorder`: valid on every table, and each the method that it names."""

from __future__ import annotations

import ast
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.table_reorder.cache import Cache, found_tokens
from evaluators.scheduling.table_reorder.prefixes import shared_with_any, shared_with_previous, write_prompts
from evaluators.scheduling.table_reorder.scenario import Scenario
from evaluators.scheduling.table_reorder.table import Plan, Table
from evaluators.scheduling.table_reorder.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.table_reorder.tables import UNBOUNDED, a_scenario, most_shared, random_table, table_of
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "table_reorder"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
ONE_ORDER = (
    "random_order",
    "sorted_rows",
    "by_cardinality",
    "by_saving",
    "greedy_columns",
    "column_climb",
    "ggr_sorted",
)


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=1)
def typed() -> Scenario:
    """Rows of types that fill different columns."""
    problem = PROBLEM.configured({"pattern": "events", "rows": 120, "block": 1, "in_flight": 1})
    return problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(2), Split.SEARCH))[0]


def plan_of(source: str, table: Table, cache: Cache = UNBOUNDED) -> Plan:
    return a_scenario(table, cache).ask(InProcessCandidate(source))


@cache
def shared(name: str) -> int:
    return shared_with_any(write_prompts(typed().table, plan_of(SOURCES[name], typed().table)))


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_table_and_not_above_the_bound(name: str) -> None:
    edges = [a_scenario(table_of(*["ab"] * 4)), a_scenario(table_of("abc", "def")), a_scenario(table_of("a", "b", "a"))]
    edges += [a_scenario(random_table(3, 9, 3), Cache(block=2, capacity=40, in_flight=20))]
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    plans = [smoke(Split.SEARCH)[3].ask(InProcessCandidate(SOURCES[name])) for _ in range(2)]
    assert (plans[0].rows_N == plans[1].rows_N).all()
    assert (plans[0].columns_NC == plans[1].columns_NC).all()


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_initial_program_is_greedy_group_recursion_with_room_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    for scenario in (*smoke(Split.SEARCH), typed()):
        found = [
            shared_with_any(write_prompts(scenario.table, plan_of(SOURCES[name], scenario.table)))
            for name in ("initial", "ggr")
        ]
        assert abs(found[0] - found[1]) <= 0.01 * scenario.table.tokens


@pytest.mark.parametrize(
    "new",
    [
        "POWER = 0.5",
        "REPEATS = 4.0",
        "FOLLOWING = 0.0",
        "RIVALS = 1.0",
        "BLOCKS = 2.0",
        "COMMON = 1.0",
        "POLISH = 1.0",
        "DEAL = 1.0",
    ],
)
def test_every_constant_of_the_initial_program_decides_something(new: str) -> None:
    plain, changed = SOURCES["initial"], with_constant(SOURCES["initial"], new)
    for scenario in (typed(), *smoke(Split.SEARCH)):
        plans = [scenario.ask(InProcessCandidate(source)) for source in (plain, changed)]
        if any((a != b).any() for a, b in zip(*((p.rows_N, p.columns_NC) for p in plans), strict=True)):
            return
    pytest.fail(f"{new} changed no plan")


def with_constant(source: str, line: str) -> str:
    name = line.partition(" = ")[0]
    (old,) = [one for one in source.splitlines() if one.startswith(f"{name} = ")]
    return source.replace(old, line)


@pytest.mark.parametrize(
    "line",
    ["POWER = -300.0", "POWER = float('nan')", "REPEATS = 500.0", "RIVALS = 1e9",
     "POLISH = 1e9", "POLISH = float('nan')", "DEAL = -5.0", "DEAL = float('inf')"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_constant_makes_the_initial_program_fail(line: str) -> None:
    for scenario in (*smoke(Split.SEARCH)[:4], typed()):
        candidate = InProcessCandidate(with_constant(SOURCES["initial"], line))
        assert scenario.play(candidate, ClockPolicy()).outcome is Outcome.SCORED


def test_the_table_as_it_is_is_the_weak_baseline() -> None:
    plan = plan_of(SOURCES["original"], typed().table)
    assert (plan.rows_N == np.arange(120)).all()
    assert (np.diff(plan.columns_NC, axis=1) == 1).all()
    assert PROBLEM.task.weak_baseline == "original"


@pytest.mark.parametrize("name", ONE_ORDER)
def test_programs_with_one_order_have_one(name: str) -> None:
    assert len(np.unique(plan_of(SOURCES[name], typed().table).columns_NC, axis=0)) == 1


def test_columns_are_sorted_by_what_the_name_says() -> None:
    table = typed().table
    order = plan_of(SOURCES["by_cardinality"], table).columns_NC[0]
    assert (np.diff(table.values_NC.max(axis=0)[order]) >= 0).all()
    assert plan_of(SOURCES["by_saving"], table_of("axp", "ayp", "bzp", tokens=2)).columns_NC[0].tolist() == [2, 0, 1]


def test_the_climb_ends_where_no_column_elsewhere_saves_more() -> None:
    problem = PROBLEM.configured({"pattern": "survey", "rows": 400, "block": 1, "in_flight": 1})
    table = problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(2), Split.SEARCH))[0].table
    order = plan_of(SOURCES["column_climb"], table).columns_NC[0].tolist()
    others = [
        [*rest[:place], moved, *rest[place:]]
        for moved in order
        for rest in [[column for column in order if column != moved]]
        for place in range(len(order))
    ]
    assert max(saved_under(other, table) for other in others) == saved_under(order, table)


def saved_under(order: list[int], table: Table) -> int:
    """Tokens in common with the row before, if all rows have this order and are sorted under it."""
    rows_N = np.lexsort(table.values_NC.T[order[::-1]])
    plan = Plan(rows_N, np.tile(order, (len(rows_N), 1)))
    return shared_with_previous(write_prompts(table, plan))


def test_groups_beat_one_order_and_clusters_beat_groups() -> None:
    assert shared("column_climb") > max(shared(name) for name in ("sorted_rows", "by_cardinality", "random_order"))
    assert shared("ggr") > max(shared(name) for name in ONE_ORDER)
    assert shared("ggr") > shared("ggr_shallow")
    assert shared("clusters") > shared("ggr")


def test_clusters_are_near_the_optimum_of_tiny_tables() -> None:
    found = [shared_with_any(write_prompts(t, plan_of(SOURCES["clusters"], t))) for t in tiny()]
    best = [most_shared(table) for table in tiny()]
    assert all(one <= other for one, other in zip(found, best, strict=True))
    assert sum(found) > 0.93 * sum(best)


def tiny() -> list[Table]:
    return [random_table(seed, 4, 3, values=2) for seed in range(12)]


def test_an_order_dealt_out_finds_with_prompts_in_flight_what_it_found_without() -> None:
    table, served = typed().table, Cache(block=1, capacity=10**6, in_flight=12)
    alone, dealt, plain = (
        int(found_tokens(write_prompts(table, plan_of(SOURCES[name], table, cache)), cache).sum())
        for name, cache in (("clusters", UNBOUNDED), ("clusters_dealt", served), ("clusters", served))
    )
    assert plain < 0.8 * alone
    assert dealt > 0.9 * alone
