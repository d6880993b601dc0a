from __future__ import annotations

import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, Split, Tier
from evaluators.placement.tier_cache.patterns import PATTERNS
from evaluators.placement.tier_cache.recorded import Recording
from evaluators.placement.tier_cache.regimes import HOLDOUT, SEARCH
from evaluators.placement.tier_cache.scenario import Scenario
from evaluators.placement.tier_cache.suite import NUM_EVENTS, recipes
from evaluators.placement.tier_cache.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.placement.tier_cache.traces import CLOCK, LRU
from tests.in_process import InProcessCandidate


def smoke(
    problem: SuiteProblem[Recording | None, Scenario], split: Split = Split.SEARCH, seed: int = 0
) -> list[Scenario]:
    return list(problem.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(seed), split)))


def test_the_hold_out_has_regimes_shapes_and_machines_of_its_own() -> None:
    search, holdout = (recipes(Tier.FULL, split, {}) for split in (Split.SEARCH, Split.HOLDOUT))
    assert [recipe.regime for recipe in search[:7]] == [regime.name for regime in SEARCH]
    assert [recipe.regime for recipe in holdout[:6]] == [regime.name for regime in HOLDOUT]
    for told in ("regime", "shape", "speed"):
        seen = {
            split: {
                {
                    "regime": recipe.regime,
                    "shape": str((recipe.system.layers, recipe.system.experts, recipe.system.top_k)),
                    "speed": str((recipe.system.load_us, recipe.system.dense_us, recipe.system.expert_us)),
                }[told]
                for recipe in found
            }
            for split, found in (("search", search), ("holdout", holdout))
        }
        assert not seen["search"] & seen["holdout"]
    assert {"drifting", "skewed"} <= {recipe.pattern for recipe in holdout}


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT, Split.REPORT])
@pytest.mark.parametrize("tier", [Tier.QUICK, Tier.FULL])
def test_names_are_unique_there_are_enough_and_each_event_has_room(tier: Tier, split: Split) -> None:
    found = recipes(tier, split, {})
    assert len({recipe.name for recipe in found}) == len(found) >= 12
    for recipe in found:
        assert recipe.system.most_needed < recipe.system.capacity < recipe.system.objects
        assert 0.9 * NUM_EVENTS[tier] <= recipe.steps * recipe.system.layers <= NUM_EVENTS[tier]


def test_seeds_decide_everything() -> None:
    first, again, other = (smoke(PROBLEM, seed=seed) for seed in (3, 3, 4))
    assert [(a.name, a.weak_us, a.bound_us) for a in first] == [(b.name, b.weak_us, b.bound_us) for b in again]
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.weak_us != c.weak_us for a, c in zip(first, other, strict=True))


def test_smoke_has_hints_a_look_ahead_and_several_tokens() -> None:
    scenarios = smoke(PROBLEM)
    assert {scenario.hint for scenario in scenarios} == {0.0, 0.8, 1.0}
    assert {scenario.lookahead for scenario in scenarios} == {0, 3}
    assert {scenario.system.tokens for scenario in scenarios} == {1, 2}
    assert sum(len(scenario.needed) for scenario in scenarios) < 120


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_a_regime_of_its_own(pattern: str) -> None:
    scenarios = smoke(PROBLEM.configured({"pattern": pattern, "layers": 2, "experts": 16, "capacity": 40, "top_k": 2}))
    assert {scenario.regime for scenario in scenarios} == {pattern}
    assert {scenario.system.objects for scenario in scenarios} == {32}
    assert {scenario.system.capacity for scenario in scenarios} == {13}
    assert any(scenario.bound_us < scenario.weak_us for scenario in scenarios)


def test_what_is_set_counts_in_every_regime() -> None:
    told = {"load_us": "77", "dense_us": "5", "expert_us": "2", "hint": "0.5", "lookahead": "2", "tokens": "2"}
    for scenario in smoke(PROBLEM.configured({**told, "steps": "3"}), Split.HOLDOUT):
        system = scenario.system
        assert (system.load_us, system.dense_us, system.expert_us, system.tokens) == (77, 5, 2, 2)
        assert (scenario.hint, scenario.lookahead) == (0.5, 2)
        assert len(scenario.needed) == 3 * system.layers


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"layer": "4"}, "has no parameter 'layer'"),
        ({"layers": "many"}, "layers: expected an integer"),
        ({"layers": "999"}, "layers: expected a value from 0 to 128"),
        ({"capacity": "101"}, "capacity: expected a value from 0 to 100"),
        ({"hint": "-0.5"}, "hint: expected 0 to 1, or -1 for the scenario's own, found -0.5"),
        ({"pattern": "lumpy"}, "pattern: expected one of mixed, popular"),
        ({"layers": "100", "experts": "512"}, "experts: expected at most 16384 in all layers, found 100 layers of 512"),
        ({"experts": "4", "top_k": "5"}, "top_k: expected at most as many as there are experts, found 5"),
        ({"steps": "2000", "layers": "128", "experts": "128"}, "steps: expected at most 256 with 128 layers .* 2000"),
        ({"steps": "2000", "tokens": "64"}, "steps: expected at most 256 with 8 layers of 64 experts and 64 tokens"),
        (
            {"capacity": "1"},
            "capacity: 1 % of 8 layers of 64 experts is 5 experts; expected room for the 8 .* one more",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def test_feedback_and_pictures_are_aggregates() -> None:
    played = [scenario.play(InProcessCandidate(LRU), CLOCK) for scenario in smoke(PROBLEM)]
    text = PROBLEM.feedback(played)
    assert "- smoke: score 0; time" in text
    failed = InstanceResult(name="sticky-9", regime="sticky", outcome=Outcome.INVALID, detail="ahead: expected")
    assert "- sticky: invalid: ahead: expected" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [1, 1]
    assert PROBLEM.pictures([failed])[0].rows == ()
