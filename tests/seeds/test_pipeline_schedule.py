"""The programs of `seeds/pipeline_schedule`: valid on every pipeline, and each the method that it names."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, WEIGHT
from evaluators.scheduling.pipeline_schedule.placements import Placement
from evaluators.scheduling.pipeline_schedule.scenario import Scenario
from evaluators.scheduling.pipeline_schedule.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.pipeline_schedule.pipelines import a_pipeline, a_scenario, random_pipeline
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "pipeline_schedule"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {
    name: re.sub(r"^TIMED = \w+", "TIMED = 20_000", path.read_text(encoding="utf-8"), flags=re.MULTILINE)  # fewer moves
    for name, path in FILES.items()
}


@cache
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


def odd_ones() -> list[Scenario]:
    """Memory for one micro-batch and for all, several stages on a device, links of any length."""
    sizes = ((1, 3, 1), (2, 3, 2), (3, 5, 1), (4, 6, 3))
    return [a_scenario(random_pipeline(seed, *sizes[seed % 4])) for seed in range(20)]


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_pipeline_and_not_above_the_bound(name: str) -> None:
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *odd_ones()):
        result = scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy())
        assert result.outcome is Outcome.SCORED
        assert result.score is not None
        assert result.score <= 1.0


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_in_the_table_of_programs_and_repeats_itself(name: str) -> None:
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")
    scenario = smoke(Split.SEARCH)[4]
    first, second = (scenario.run(InProcessCandidate(SOURCES[name])) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first.orders, second.orders, strict=True))


def test_the_initial_program_puts_off_weight_gradients_until_a_device_would_wait() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    pipeline = a_pipeline(4, 6, capacity=8)
    played = a_scenario(pipeline).run(InProcessCandidate(SOURCES["initial"]))
    first, last = played.orders[0].tolist(), played.orders[3].tolist()
    assert first[:4] == [0, 1, 2, 3]
    assert [number for number in last[:6] if pipeline.meaning(number)[0] == WEIGHT] == []
    assert played.timing.step_us < a_scenario(pipeline).weak_us


@pytest.mark.parametrize(
    ("new", "given"),
    [
        ("UNDER_WAY = 2.0", ""),
        ("BACK = -1.0", ""),
        ("LATER = -2.0", ""),
        ("OLD = -0.01", ""),
        ("DEEP = 3.0", ""),
        ("TAIL = 5.0", ""),
        ("FULL = 3.0", ""),
        ("HOARD = 3.0", ""),
        ("WAIT = 1.0", ""),
        ("SPARE = 0.5", ""),
        ("TRIES = 8", "NOISE = 3.0"),
        ("NOISE = 3.0", "TRIES = 8"),
        ("DEPTHS = 2.0", "TRIES = 8"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(new: str, given: str) -> None:
    plain = with_constant(SOURCES["initial"], given) if given else SOURCES["initial"]
    changed = with_constant(plain, new)
    worlds = (*smoke(Split.SEARCH), *(a_scenario(random_pipeline(seed, 4, 8, 2)) for seed in range(6)))
    assert any(steps(changed, scenario) != steps(plain, scenario) for scenario in worlds)


def steps(source: str, scenario: Scenario) -> int:
    return scenario.run(InProcessCandidate(source)).timing.step_us


def with_constant(source: str, line: str) -> str:
    name = line.partition(" = ")[0]
    (old,) = [one for one in source.splitlines() if one.startswith(f"{name} = ")]
    return source.replace(old, line)


@pytest.mark.parametrize(
    "line", ["UNDER_WAY = 1e9", "UNDER_WAY = -1.0", "UNDER_WAY = float('nan')", "OLD = float('nan')", "WAIT = 1e9",
             "SPARE = 2.0", "SPARE = -1.0", "TRIES = 10**9", "TRIES = -1", "LATER = -1e9", "BACK = 1e308"]
)  # fmt: skip
def test_no_constant_makes_the_initial_program_fail_or_run_away(line: str) -> None:
    for scenario in (*smoke(Split.SEARCH), a_scenario(random_pipeline(3, 4, 6, 3))):
        candidate = InProcessCandidate(with_constant(SOURCES["initial"], line))
        assert scenario.play(candidate, ClockPolicy()).outcome is Outcome.SCORED


@pytest.mark.parametrize("name", ["zb_h1", "zb_h2", "zero_bubble_greedy", "portfolio", "local_search"])
def test_zero_bubble_schedules_reach_the_bound_on_equal_stages(name: str) -> None:
    """Qi et al. 2024: ZB-H1 waits for p - 1 times F + B - W, all of it while the pipeline fills."""
    scenario = a_scenario(a_pipeline(6, 12, capacity=1000))
    assert scenario.bound_us == 5 + 36
    assert scenario.weak_us == 5 + 36 + 5
    assert steps(SOURCES[name], scenario) == scenario.bound_us


@pytest.mark.parametrize(("name", "share"), [("zb_h1", 1), ("zb_h2", 2)])
def test_zero_bubble_schedules_hold_what_the_paper_says(name: str, share: int) -> None:
    """Qi et al. 2024, with what is kept for W as large as an activation: p and 2 p - 1 of them on every device."""
    played = a_scenario(a_pipeline(5, 12, activation=1, kept=1)).run(InProcessCandidate(SOURCES[name]))
    assert played.peak_mb_D.tolist() == [share * 5 - share + 1] * 5


def test_interleaving_divides_the_bubble_by_the_stages_of_a_device() -> None:
    """Narayanan et al. 2021: (p - 1) / v times forward and backward."""
    whole, halves = (
        a_scenario(a_pipeline(4, 8, chunks=chunks, times=(2 // chunks, 4 // chunks, 0), kept=0)) for chunks in (1, 2)
    )
    assert steps(SOURCES["interleaved"], whole) == 6 * 8 + 3 * 6
    assert steps(SOURCES["interleaved"], halves) == 6 * 8 + 3 * 3


def test_gpipe_does_all_forwards_first_and_rounds_fit_in_memory() -> None:
    pipeline = a_pipeline(3, 6, capacity=8)
    played = a_scenario(pipeline).run(InProcessCandidate(SOURCES["gpipe"]))
    kinds = [pipeline.meaning(number)[0] for number in played.orders[0].tolist()]
    assert kinds[:5] == [FORWARD] * 4 + [INPUT]
    assert played.peak_mb_D.tolist() == [8] * 3


def test_a_repeated_block_needs_a_third_of_the_memory_of_1f1b_in_a_wave() -> None:
    """V-Min of Qi et al. 2024 holds (p + 4) / 3 micro-batches, rounded down, where 1F1B holds p."""
    whole = 2 * ((8 + 4) // 3)
    pipeline = a_pipeline(8, 24, chunks=2, placement=Placement.WAVE, activation=1, kept=1, capacity=whole)
    scenario = a_scenario(pipeline)
    assert steps(SOURCES["building_block"], scenario) < 1.25 * scenario.bound_us
    assert scenario.weak_us > 1.5 * scenario.bound_us


def test_moves_never_make_a_schedule_longer() -> None:
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT)):
        assert steps(SOURCES["local_search"], scenario) <= steps(SOURCES["portfolio"], scenario)
        assert steps(SOURCES["block_search"], scenario) <= steps(SOURCES["building_block"], scenario)


def test_one_f_one_b_is_the_weak_baseline() -> None:
    assert PROBLEM.task.weak_baseline == "one_f_one_b"
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *odd_ones()):
        assert scenario.play(InProcessCandidate(SOURCES["one_f_one_b"]), ClockPolicy()).score == 0.0
