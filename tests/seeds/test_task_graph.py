"""The programs of `seeds/task_graph`: valid on every graph, and each the method that it names."""

from __future__ import annotations

import ast
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.task_graph.heft import heft, in_order
from evaluators.scheduling.task_graph.scenario import Scenario
from evaluators.scheduling.task_graph.task import PROBLEM
from evaluators.scheduling.task_graph.timing import Plan, time_plan
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.task_graph.graphs import DIAMOND, TOPCUOGLU, a_scenario, graph_of, tiny_graph
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "task_graph"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
SEARCHING = ("random_restarts", "local_search", "annealing", "genetic", "multi_start")


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@lru_cache(maxsize=1)
def middling() -> tuple[Scenario, ...]:
    """A graph of each regime of search."""
    problem = PROBLEM.configured({"tasks": "40"})
    return tuple(problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(2), Split.SEARCH)))


def fewer_steps(source: str) -> str:
    """Of programs that search, as tests have less time."""
    for told in ("1_000_000", "800_000", "600_000"):
        source = source.replace(f"STEPS = {told}", "STEPS = 40_000")
    return source.replace("STEPS = 30_000", "STEPS = 3_000").replace("STARTS = 25_000", "STARTS = 3_000")


@cache
def plan_of(name: str, place: int) -> Plan:
    return middling()[place].plan_of(InProcessCandidate(fewer_steps(SOURCES[name])))


def makespan(name: str) -> float:
    """Over all graphs of `middling`, in units of HEFT."""
    return float(
        np.mean([time_plan(s.graph, plan_of(name, i)).makespan_us / s.heft_us for i, s in enumerate(middling())])
    )


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_graph_and_not_above_the_bound(name: str) -> None:
    edges = [a_scenario(graph) for graph in (graph_of([[3.0, 4.0]]), graph_of([[1.0], [2.0]], [(0, 1, 1)]), DIAMOND)]
    edges += [a_scenario(tiny_graph(seed)) for seed in range(6)]
    source = fewer_steps(SOURCES[name])
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        result = scenario.play(InProcessCandidate(source), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    scenario, source = smoke(Split.SEARCH)[4], fewer_steps(SOURCES[name])
    plans = [scenario.plan_of(InProcessCandidate(source)) for _ in range(2)]
    assert (plans[0].processor_N == plans[1].processor_N).all()
    assert (plans[0].order_N == plans[1].order_N).all()


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_in_order_is_the_weak_baseline_of_the_engine() -> None:
    for place, scenario in enumerate(middling()):
        assert (plan_of("in_order", place).processor_N == in_order(scenario.graph).processor_N).all()


@pytest.mark.parametrize("name", ["heft", "initial"])
def test_heft_and_the_initial_program_are_the_engines_heft(name: str) -> None:
    for place, scenario in enumerate(middling()):
        found = time_plan(scenario.graph, plan_of(name, place)).makespan_us
        assert found == pytest.approx(time_plan(scenario.graph, heft(scenario.graph)).makespan_us)


@pytest.mark.parametrize(("name", "published"), [("heft", 80.0), ("cpop", 86.0), ("initial", 80.0)])
def test_programs_make_the_published_schedules_of_the_published_example(name: str, published: float) -> None:
    plan = a_scenario().plan_of(InProcessCandidate(SOURCES[name]))
    assert time_plan(TOPCUOGLU, plan).makespan_us == published


def test_simple_rules_do_what_their_names_say() -> None:
    graph = middling()[0].graph
    assert (plan_of("met", 0).processor_N == graph.times_NP.argmin(axis=1)).all()
    assert len(set(plan_of("serial", 0).processor_N.tolist())) == 1
    assert len(set(plan_of("olb", 0).processor_N.tolist())) == graph.num_processors
    alone = a_scenario(graph_of([[2.0, 9.0], [4.0, 9.0], [8.0, 9.0]]))
    assert alone.plan_of(InProcessCandidate(SOURCES["min_min"])).order_N.tolist() == [0, 2, 1]
    longest = [alone.plan_of(InProcessCandidate(SOURCES[name])).processor_N[2] for name in ("max_min", "min_min")]
    assert longest == [0, 1]  # it is placed first, or last


def test_gaps_help_and_searching_helps_more() -> None:
    assert makespan("heft") < makespan("heft_no_gaps")
    assert makespan("heft") < makespan("in_order") < makespan("olb")
    for name in SEARCHING:  # with fewer steps than they have
        assert makespan(name) <= makespan("heft")
    assert makespan("multi_start") < makespan("random_restarts") < makespan("heft")


def with_constants(source: str, lines: str) -> str:
    for line in lines.splitlines():
        name = line.partition(" = ")[0]
        (old,) = [one for one in source.splitlines() if one.startswith(f"{name} = ")]
        source = source.replace(old, line)
    return source


@pytest.mark.parametrize(
    ("new", "given"),
    [
        ("PATH = 0.0", ""),
        ("PASSED = 0.5", ""),
        ("HOPE = 1.0", ""),
        ("FANOUT = 1.0", ""),
        ("SPREAD = 2.0", ""),
        ("FASTEST = 1.0", ""),
        ("LINKS = 0.0", ""),
        ("END = 0.2", "AHEAD = 0.5"),
        ("AHEAD = 0.5", ""),
        ("BEGIN = 1.0", ""),
        ("WASTE = 1.0", ""),
        ("FETCH = 0.5", ""),
        ("GAPS = 0.0", ""),
        ("TRIES = 9.0", ""),
        ("NOISE = 0.5", "TRIES = 3.0"),
        ("SWITCH = 1.0", "TRIES = 3.0"),
        ("POLISH = 1.0", ""),
        ("CRITICAL = 1.0", "POLISH = 1.0"),
        ("STAY = 0.9", "POLISH = 1.0"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(new: str, given: str) -> None:
    plain = with_constants(SOURCES["initial"], given)
    changed = with_constants(plain, new)
    for scenario in middling():
        one, other = (scenario.plan_of(InProcessCandidate(source)) for source in (plain, changed))
        if (one.processor_N != other.processor_N).any() or (one.order_N != other.order_N).any():
            return
    pytest.fail(f"{new} changes no plan")


@pytest.mark.parametrize(
    "lines",
    [
        "PATH = float('nan')", "PATH = -1.0", "LINKS = float('inf')", "FASTEST = -30.0", "END = float('inf')",
        "END = float('nan')", "AHEAD = -5.0", "TRIES = 1e12", "TRIES = float('nan')", "NOISE = -1.0\nTRIES = 3.0",
        "NOISE = 1e9\nTRIES = 3.0", "POLISH = float('inf')\nCRITICAL = 1.0", "POLISH = -3.0", "GAPS = float('nan')",
        "SPREAD = 1e300", "FETCH = 1e300", "SWITCH = float('nan')\nTRIES = 2.0", "STAY = 9.0\nPOLISH = 1.0",
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_constant_makes_the_initial_program_fail(lines: str) -> None:
    source = with_constants(SOURCES["initial"].replace("STEPS = 500_000", "STEPS = 40_000"), lines)
    for scenario in smoke(Split.SEARCH):
        assert scenario.play(InProcessCandidate(source), ClockPolicy()).outcome is Outcome.SCORED


def test_the_initial_program_marks_what_may_evolve() -> None:
    text = SOURCES["initial"]
    assert text.count("EVOLVE-BLOCK-START") == text.count("EVOLVE-BLOCK-END") == 1
    block = text.partition("EVOLVE-BLOCK-START")[2].partition("EVOLVE-BLOCK-END")[0]
    assert "def schedule(graph: dict, config: dict) -> dict:" in block
