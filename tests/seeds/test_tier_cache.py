"""The programs of `seeds/tier_cache`: valid on every trace, and each the method that it names."""

from __future__ import annotations

import ast
from functools import cache, lru_cache
from pathlib import Path

import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.placement.tier_cache.engine import Tally
from evaluators.placement.tier_cache.patterns import PATTERNS
from evaluators.placement.tier_cache.scenario import Scenario, make_scenario
from evaluators.placement.tier_cache.task import PROBLEM
from evaluators.problem import ClockPolicy
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.tier_cache.traces import a_system, a_trace
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "tier_cache"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
ON_DEMAND = ("lru", "lfu", "decayed_lfu", "static_popularity", "arc")


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


@cache
def world(pattern: str, *, hint: float = 0.0, lookahead: int = 0, load_us: int = 60, tokens: int = 1) -> Scenario:
    """A trace long enough to tell methods apart."""
    system = a_system(4, 32, 32, load_us=load_us, dense_us=40, expert_us=6, top_k=4, tokens=tokens)
    trace = a_trace(system, pattern=pattern, steps=70, hint=hint, seed=11)
    return make_scenario("one", pattern, system, trace, hint=hint, lookahead=lookahead)


@cache
def tally(name: str, scenario: Scenario) -> Tally:
    return scenario.run(InProcessCandidate(SOURCES[name]))


def us(name: str, scenario: Scenario) -> int:
    return tally(name, scenario).time_us


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_trace_and_not_above_the_bound(name: str) -> None:
    edges = [make_scenario("one", "edge", system, a_trace(system, steps=3)) for system in
             (a_system(1, 2, 2), a_system(1, 3, 4, top_k=3), a_system(2, 6, 7, top_k=2, tokens=5))]  # fmt: skip
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_repeats_itself(name: str) -> None:
    scenario = smoke(Split.SEARCH)[4]
    runs = [scenario.run(InProcessCandidate(SOURCES[name])) for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_lru_is_the_weak_baseline(pattern: str) -> None:
    assert us("lru", world(pattern)) == world(pattern).weak_us
    assert PROBLEM.task.weak_baseline == "lru"


@pytest.mark.parametrize("name", ON_DEMAND)
def test_programs_on_demand_load_nothing_ahead(name: str) -> None:
    assert tally(name, world("popular", hint=0.8, lookahead=4)).ahead == 0


def test_frequency_wins_where_experts_are_popular_and_recency_where_choices_stick() -> None:
    assert us("lfu", world("skewed")) < us("lru", world("skewed"))
    assert us("lru", world("sticky")) < us("lfu", world("sticky"))


@pytest.mark.parametrize("name", ["decayed_lfu", "fate"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_recency_in_turns_of_a_layer_beats_recency_over_all_layers(name: str, pattern: str) -> None:
    assert us(name, world(pattern)) < us("lru", world(pattern))


def test_matching_sequences_wins_where_kinds_of_text_recur() -> None:
    recurring = world("recurring")
    assert us("moe_infinity", recurring) < min(us(name, recurring) for name in ON_DEMAND)


def test_hints_pay_for_who_loads_them_ahead() -> None:
    hinted, plain = world("popular", hint=0.95, load_us=16), world("popular", load_us=16)
    for name in ("fate", "expertflow"):
        assert us(name, hinted) < 0.95 * us(name, plain)
    assert us("decayed_lfu", hinted) == us("decayed_lfu", plain)
    assert tally("fate", hinted).used > 0.65 * tally("fate", hinted).ahead


def test_who_uses_the_shown_future_is_near_the_bound() -> None:
    shown = world("popular", lookahead=48)
    assert shown.score(us("belady_lookahead", shown)) > 0.9
    assert shown.score(us("initial", shown)) > 0.9
    blind = world("popular")
    assert us("belady_lookahead", blind) == us("decayed_lfu", blind)


def test_pairs_of_experts_help_where_layers_are_chained() -> None:
    without = SOURCES["promoe"].replace("MARGIN = 0.4", "MARGIN = 9.0")
    chained = world("chained", load_us=16)
    assert us("promoe", chained) < chained.run(InProcessCandidate(without)).time_us


def test_the_initial_program_leaves_room_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    better = with_constant(with_constant(SOURCES["initial"], "RECENCY = 0.3"), "HALF_LIFE = 4.0")
    sticky = world("sticky")
    assert sticky.run(InProcessCandidate(better)).time_us < us("initial", sticky)


@pytest.mark.parametrize(
    ("new", "given"),
    [
        ("HALF_LIFE = 2.0", ""),
        ("RECENCY = 0.5", ""),
        ("FADING = 0.1", "RECENCY = 0.5"),
        ("EARLIER = 0.5", ""),
        ("FORGET = 1.0", ""),
        ("CROWD = 0.3", ""),
        ("TRUST = 1.0", ""),
        ("DISTANCE = 0.5", ""),
        ("NEXT = 0.3", ""),
        ("SOONER = 0.2", ""),
        ("LATER = 60.0", ""),
        ("DEPTH = 3.0", "LEAST = 0.3"),
        ("LEAST = 0.2", ""),
        ("BUSY = -0.8", ""),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(new: str, given: str) -> None:
    plain = with_constant(SOURCES["initial"], given) if given else SOURCES["initial"]
    changed = with_constant(plain, new)
    worlds = (world("recurring", hint=0.8, load_us=16, tokens=3), world("popular", lookahead=6))
    assert any(s.run(InProcessCandidate(changed)) != s.run(InProcessCandidate(plain)) for s in worlds)


@pytest.mark.parametrize(
    "line",
    ["HALF_LIFE = 0.0", "HALF_LIFE = -3.0", "FADING = -0.5", "FADING = 0.0", "LEAST = float('nan')", "DEPTH = 1e9"],
)
def test_no_constant_makes_the_initial_program_fail(line: str) -> None:
    source = with_constant(with_constant(SOURCES["initial"], "RECENCY = 0.3"), line)
    for scenario in smoke(Split.SEARCH):
        assert scenario.play(InProcessCandidate(source), ClockPolicy()).outcome is Outcome.SCORED


def with_constant(source: str, line: str) -> str:
    name = line.partition(" = ")[0]
    (old,) = [one for one in source.splitlines() if one.startswith(f"{name} = ")]
    return source.replace(old, line)
