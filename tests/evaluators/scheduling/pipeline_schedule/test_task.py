from __future__ import annotations

import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.scheduling.pipeline_schedule.placements import Placement
from evaluators.scheduling.pipeline_schedule.profile import Profile
from evaluators.scheduling.pipeline_schedule.regimes import REGIMES
from evaluators.scheduling.pipeline_schedule.scenario import Scenario
from evaluators.scheduling.pipeline_schedule.suite import HOLDOUT_DEVICES, SEARCH_DEVICES, recipes
from evaluators.scheduling.pipeline_schedule.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.pipeline_schedule.pipelines import CLOCK, SERIAL
from tests.in_process import InProcessCandidate

SEARCH_REGIMES = ["even", "head", "tight", "looped", "vee", "fused", "far"]
HOLDOUT_REGIMES = ["recompute", "encoder", "speeds", "wave", "few", "far_looped", "vee_head"]


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def smoke(
    problem: SuiteProblem[Profile | None, Scenario], split: Split = Split.SEARCH, seed: int = 0
) -> list[Scenario]:
    return list(problem.instances(Tier.SMOKE, split, seeds(split, seed)))


def test_the_hold_out_has_other_regimes_and_devices() -> None:
    assert not set(SEARCH_DEVICES) & set(HOLDOUT_DEVICES)
    search, holdout = (recipes(Tier.FULL, split, {}) for split in (Split.SEARCH, Split.HOLDOUT))
    assert list(dict.fromkeys(recipe.regime for recipe in search)) == SEARCH_REGIMES
    assert list(dict.fromkeys(recipe.regime for recipe in holdout)) == HOLDOUT_REGIMES
    for regime in SEARCH_REGIMES:
        assert len({recipe.shape for recipe in search if recipe.regime == regime}) >= 6


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT, Split.REPORT])
@pytest.mark.parametrize("tier", [Tier.QUICK, Tier.FULL])
def test_names_are_unique_and_there_are_enough(tier: Tier, split: Split) -> None:
    names = [recipe.name for recipe in recipes(tier, split, {})]
    assert len(set(names)) == len(names) >= 12


def test_seeds_decide_everything() -> None:
    first, again, other = (smoke(PROBLEM, seed=seed) for seed in (3, 3, 4))
    for a, b in zip(first, again, strict=True):
        assert (a.pipeline.times_us_KS == b.pipeline.times_us_KS).all()
        assert (a.weak_us, a.bound_us) == (b.weak_us, b.bound_us)
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.weak_us != c.weak_us for a, c in zip(first, other, strict=True))


@pytest.mark.parametrize("name", REGIMES)
def test_every_regime_has_something_to_gain_and_runs_serially(name: str) -> None:
    scenarios = smoke(PROBLEM.configured({"pattern": name, "devices": "4"}))
    assert {scenario.regime for scenario in scenarios} == {name}
    assert sum(scenario.weak_us / scenario.bound_us for scenario in scenarios) > 1.05 * len(scenarios)
    for scenario in scenarios:
        assert scenario.pipeline.in_flight >= 1
        assert (scenario.pipeline.kept_mb_S <= scenario.pipeline.activation_mb_S).all()
        assert scenario.play(InProcessCandidate(SERIAL), CLOCK).outcome is Outcome.SCORED


def test_what_the_user_sets_holds_everywhere() -> None:
    told: dict[str, ParameterValue | str] = {
        "devices": "3", "chunks": "2", "placement": "wave", "micro_batches": "5", "link_us": "70", "backward": "fused",
        "capacity_mb": "9000",
    }  # fmt: skip
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in smoke(PROBLEM.configured(told), split):
            pipeline = scenario.pipeline
            assert pipeline.device_S.tolist() == [0, 1, 2, 2, 1, 0]
            assert pipeline.micro_batches == 5
            assert pipeline.link_us_S.tolist() == [70, 70, 0, 70, 70, 0]
            assert pipeline.weight_us_S.tolist() == [0] * 6
            assert pipeline.capacity_mb_D.tolist() == [9000] * 3


def test_memory_is_in_units_of_what_1f1b_holds() -> None:
    (small, *_), (large, *_) = (
        smoke(PROBLEM.configured({"memory": memory, "pattern": "even", "devices": 8})) for memory in (0.5, 1.05)
    )
    assert small.pipeline.in_flight in (3, 4)
    assert large.pipeline.in_flight in (7, 8)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"device": "8"}, "did you mean 'devices'"),
        ({"devices": "1"}, "devices: expected two or more, found 1"),
        ({"devices": "99"}, "devices: expected a value from 0 to 64"),
        ({"micro_batches": "1"}, "micro_batches: expected two or more, found 1"),
        ({"memory": "1", "capacity_mb": "5000"}, "memory, capacity_mb: both say"),
        ({"chunks": "1", "placement": "wave"}, "placement: counts only with several stages on a device"),
        ({"capacity_mb": "100"}, r"capacity_mb: one micro-batch takes up to \d+ MB on a device; expected so much"),
        ({"devices": "64", "chunks": "8", "micro_batches": "512"}, "expected at most 30000 passes in a step"),
        ({"memory": "nan"}, "memory: expected a number"),
        ({"pattern": "odd"}, "pattern: expected one of mixed, even"),
        ({"placement": "ring"}, "placement: expected one of mixed, loop, wave"),
        ({"memory": "0.01", "backward": "fused", "chunks": "1"}, "nothing can be won"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def test_placements_are_those_of_training_systems() -> None:
    assert [str(one) for one in Placement] == ["loop", "wave"]


def test_feedback_and_pictures_are_aggregates() -> None:
    played = [scenario.play(InProcessCandidate(SERIAL), CLOCK) for scenario in smoke(PROBLEM)]
    text = PROBLEM.feedback(played)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "vee: score" in text
    failed = InstanceResult(name="vee-9", regime="vee", outcome=Outcome.INVALID, detail="order: expected")
    assert "- vee: invalid: order: expected" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [7, 7]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared() -> None:
    played = [scenario.play(InProcessCandidate(SERIAL), CLOCK) for scenario in smoke(PROBLEM)]
    reported = {name for result in played for name in result.metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}
