"""The programs of `seeds/job_shop`: valid in every variant, and the rules as far from the best as counted apart."""

from __future__ import annotations

import ast
import gzip
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from evaluators.contract import InstanceResult, Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.job_shop.dispatcher import Builder
from evaluators.scheduling.job_shop.scenario import Setting, Variant, make_scenario
from evaluators.scheduling.job_shop.shop import make_shop
from evaluators.scheduling.job_shop.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "job_shop"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
EVERY_PROGRAM = pytest.mark.parametrize("name", FILES)
CONSTANTS = ("REMAINING", "DURATION", "OPERATIONS", "WAITED", "IDLE", "NEXT_QUEUE", "NEXT_LOAD", "INSIDE", "DELAY")

# Percent above the best known makespan, non-delay, mean over the set: from a plain loop over all next operations that
# was written apart from the engine.
RULES = ("fifo", "spt", "lpt", "mwkr", "mopnr", "two_feature", "fdd_mwkr")
GAPS = {
    "ft06": (18.2, 60.0, 40.0, 10.9, 7.3, 7.3, 21.8),
    "ft10": (27.3, 15.5, 39.2, 19.1, 25.1, 17.0, 18.0),
    "la01-40": (18.9, 20.0, 32.0, 12.6, 13.9, 9.8, 11.5),
    "ta01-10": (23.9, 25.9, 41.2, 19.2, 20.5, 14.9, 17.7),
}
MORE_GAPS = {
    "ta11-20": (31.4, 32.8, 46.2, 23.4, 23.6, 19.0, 21.3),
    "ta21-30": (27.4, 27.8, 40.9, 21.8, 21.7, 16.9, 19.9),
    "ta31-40": (31.2, 35.3, 49.1, 23.9, 22.8, 19.9, 21.7),
    "ta41-50": (31.1, 34.4, 50.2, 25.1, 24.9, 20.2, 24.0),
    "ta51-60": (20.7, 24.1, 41.2, 16.9, 17.4, 11.9, 15.3),
    "ta61-70": (23.9, 25.5, 43.7, 17.9, 17.7, 13.0, 16.3),
    "ta71-80": (13.6, 14.4, 31.9, 8.3, 9.2, 5.0, 7.6),
}
ACTIVE_GAPS = {"spt": 58.4, "mwkr": 26.9}  # ta01-10, over whole conflict sets


def source(name: str) -> str:
    return FILES[name].read_text()


def smoke_results(text: str) -> list[InstanceResult]:
    scenarios = PROBLEM.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(3), Split.SEARCH))
    return [scenario.play(InProcessCandidate(text), ClockPolicy()) for scenario in scenarios]


@EVERY_PROGRAM
def test_every_program_plays_every_variant_and_repeats_itself(name: str) -> None:
    results = smoke_results(source(name))
    assert {result.outcome for result in results} == {Outcome.SCORED}
    assert {result.regime for result in results} == set(Variant)
    assert results == smoke_results(source(name))


def test_the_weak_baseline_scores_zero() -> None:
    assert [result.score for result in smoke_results(source("fifo"))] == [0.0] * 6


def test_initial_program_is_most_work_remaining() -> None:
    assert smoke_results(source("initial")) == smoke_results(source("mwkr"))


@pytest.mark.parametrize("constant", CONSTANTS)
@pytest.mark.parametrize("value", [-1.0, 0.5, 3.0, 1e300, float("inf"), float("nan")])
def test_turning_a_constant_of_the_initial_program_keeps_it_valid(constant: str, value: float) -> None:
    text = source("initial")
    assert f"\n{constant} = " in text
    with np.errstate(all="ignore"):
        results = smoke_results(text.replace("# EVOLVE-BLOCK-END", f"{constant} = float('{value}')"))
    assert {result.outcome for result in results} == {Outcome.SCORED}


def test_a_delay_lets_the_two_feature_rule_wait_and_conwip_keeps_jobs_out() -> None:
    assert delayed("two_feature_window", Variant.CLASSIC) > 0
    assert delayed("two_feature", Variant.CLASSIC) == 0
    assert delayed("conwip", Variant.BLOCKING) > 0
    assert delayed("conwip", Variant.CLASSIC) == 0


def delayed(name: str, variant: Variant) -> float:
    """Percent of the decisions that let a machine wait, over a few shops."""
    problem = PROBLEM.configured({"variant": variant, "jobs": 8, "machines": 5})
    scenarios = problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(3), Split.SEARCH))
    return mean(s.play(InProcessCandidate(source(name)), ClockPolicy()).metrics["delayed"] for s in scenarios)


@EVERY_PROGRAM
def test_a_program_stands_alone_and_says_where_it_comes_from(name: str) -> None:
    tree = ast.parse(source(name))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"numpy"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    words = ast.get_docstring(tree) or ""
    assert "Source: " in words or name in ("initial", "random_order")


@lru_cache(maxsize=1)
def public_instances() -> Mapping[str, Mapping[str, list[list[int]]]]:
    """The public instances, or a skip where the file is not at hand."""
    folder = os.environ.get("EVENKEEL_TRACES")
    if folder is None or not Path(folder, "jobshop_instances.json.gz").exists():
        pytest.skip(f"EVENKEEL_TRACES={folder!r} is no folder with jobshop_instances.json.gz (public instances)")
    content: Mapping[str, Mapping[str, list[list[int]]]]
    content = json.loads(gzip.decompress(Path(folder, "jobshop_instances.json.gz").read_bytes()))
    return content


def names_of(group: str) -> list[str]:
    """``la01-40`` as forty names."""
    first, _, last = group.partition("-")
    if not last:
        return [group]
    return [f"{first[:2]}{number:02d}" for number in range(int(first[2:]), int(last) + 1)]


def mean_gap(program: str, group: str, builder: Builder) -> float:
    """Percent above the best known makespan."""
    setting, gaps = Setting(variant=Variant.CLASSIC, builder=builder), []
    for name in names_of(group):
        entry = public_instances()[name]
        shop = make_shop(np.array(entry["m"]), np.array(entry["d"]), name)
        scenario = make_scenario(name, "classic", shop, setting, best_known=int(str(entry["ub"])))
        gaps.append(scenario.play(InProcessCandidate(source(program)), ClockPolicy()).metrics["gap_to_best"])
    return mean(gaps)


@pytest.mark.parametrize("group", GAPS)
def test_rules_are_as_far_from_the_best_known_makespans_as_counted_apart(group: str) -> None:
    gaps = {rule: mean_gap(rule, group, Builder.NON_DELAY) for rule in RULES}
    assert gaps == pytest.approx(dict(zip(RULES, GAPS[group], strict=True)), abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("group", MORE_GAPS)
def test_rules_are_as_far_on_the_larger_instances(group: str) -> None:
    gaps = {rule: mean_gap(rule, group, Builder.NON_DELAY) for rule in RULES}
    assert gaps == pytest.approx(dict(zip(RULES, MORE_GAPS[group], strict=True)), abs=0.1)


def test_active_schedules_of_the_rules_are_as_far_as_expected() -> None:
    gaps = {rule: mean_gap(rule, "ta01-10", Builder.GIFFLER_THOMPSON) for rule in ACTIVE_GAPS}
    assert gaps == pytest.approx(ACTIVE_GAPS, abs=0.1)
