from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterValue, Split, Tier
from evaluators.scheduling.table_reorder.cache import Cache
from evaluators.scheduling.table_reorder.patterns import PATTERNS
from evaluators.scheduling.table_reorder.recorded import Recording
from evaluators.scheduling.table_reorder.scenario import Scenario
from evaluators.scheduling.table_reorder.suite import (
    HOLDOUT_ENGINES,
    HOLDOUT_SERVERS,
    HOLDOUT_SIZES,
    SEARCH_ENGINES,
    SEARCH_SERVERS,
    SEARCH_SIZES,
    recipes,
)
from evaluators.scheduling.table_reorder.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.table_reorder.tables import AS_IT_IS, CLOCK, SORTED
from tests.in_process import InProcessCandidate

SEARCH_REGIMES = ["reviews", "catalogue", "questions", "survey", "events", "skewed", "server"]
HOLDOUT_REGIMES = ["ratings", "orders", "contexts", "census", "tickets", "server"]


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def smoke(
    problem: SuiteProblem[Recording | None, Scenario], split: Split = Split.SEARCH, seed: int = 0
) -> list[Scenario]:
    return list(problem.instances(Tier.SMOKE, split, seeds(split, seed)))


def results(problem: SuiteProblem[Recording | None, Scenario], source: str) -> list[InstanceResult]:
    return [scenario.play(InProcessCandidate(source), CLOCK) for scenario in smoke(problem)]


def test_the_hold_out_has_other_schemas_sizes_and_caches() -> None:
    assert not set(SEARCH_SIZES) & set(HOLDOUT_SIZES)
    assert not {*SEARCH_ENGINES, *SEARCH_SERVERS} & {*HOLDOUT_ENGINES, *HOLDOUT_SERVERS}
    search, holdout = (recipes(Tier.FULL, split, {}) for split in (Split.SEARCH, Split.HOLDOUT))
    assert list(dict.fromkeys(recipe.regime for recipe in search)) == SEARCH_REGIMES
    assert list(dict.fromkeys(recipe.regime for recipe in holdout)) == HOLDOUT_REGIMES
    assert not {recipe.pattern for recipe in search} & {recipe.pattern for recipe in holdout}


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_every_variant_of_a_schema_meets_every_engine(split: Split) -> None:
    met = {(one.regime, one.turn % 2, one.engine) for one in recipes(Tier.FULL, split, {}) if one.regime != "server"}
    assert len(met) == 2 * 2 * (len(SEARCH_REGIMES if split is Split.SEARCH else HOLDOUT_REGIMES) - 1)
    servers = [one for one in recipes(Tier.FULL, split, {}) if one.regime == "server"]
    assert min(one.engine.in_flight for one in servers) > 1


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT, Split.REPORT])
@pytest.mark.parametrize("tier", [Tier.QUICK, Tier.FULL])
def test_names_are_unique_and_there_are_enough(tier: Tier, split: Split) -> None:
    names = [recipe.name for recipe in recipes(tier, split, {})]
    assert len(set(names)) == len(names) >= 12


def test_seeds_decide_everything() -> None:
    first, again, other = (smoke(PROBLEM, seed=seed) for seed in (3, 3, 4))
    assert all((a.table.values_NC == b.table.values_NC).all() and a.bound == b.bound
               for a, b in zip(first, again, strict=True))  # fmt: skip
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.weak != c.weak for a, c in zip(first, other, strict=True))


@pytest.mark.parametrize("name", PATTERNS)
def test_every_schema_repeats_cells_and_has_something_to_gain(name: str) -> None:
    scenarios = smoke(PROBLEM.configured({"pattern": name, "rows": "80", "block": 1, "in_flight": 1}))
    assert {scenario.regime for scenario in scenarios} == {name}
    assert np.mean([(scenario.bound - scenario.weak) / scenario.table.tokens for scenario in scenarios]) > 0.1
    for scenario in scenarios:
        table = scenario.table
        assert all((np.unique(values) == np.arange(values.max() + 1)).all() for values in table.values_NC.T)
        assert table.lengths_NC.min() >= 4
        assert scenario.cache.capacity >= table.lengths_NC.sum(axis=1).max()


def test_reviews_repeat_what_they_are_about() -> None:
    (scenario, *_) = smoke(PROBLEM.configured({"pattern": "reviews", "rows": "200"}))
    distinct = scenario.table.values_NC.max(axis=0) + 1
    assert sorted(distinct)[-3] < 200 / 2  # films, not reviews
    assert distinct.max() > 100


def test_what_the_user_sets_holds_everywhere() -> None:
    told: dict[str, ParameterValue | str] = {
        "rows": "50", "pattern": "events", "block": "8", "capacity": "4001", "in_flight": "3"
    }  # fmt: skip
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in smoke(PROBLEM.configured(told), split):
            assert scenario.table.num_rows == 50
            assert scenario.cache == Cache(block=8, capacity=4008, in_flight=3)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"row": "60"}, "did you mean 'rows'"),
        ({"rows": "1"}, "rows: expected two or more, found 1"),
        ({"rows": "9999"}, "rows: expected a value from 0 to 3000"),
        ({"pattern": "films"}, "pattern: expected one of mixed, reviews"),
        ({"block": "1.5"}, "block: expected an integer"),
        ({"block": "64", "capacity": "32"}, "capacity: expected at least one block of 64 tokens, found 32"),
        ({"in_flight": "-1"}, "in_flight: expected a value from 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def test_a_pattern_beside_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("a,b\n1,2\n1,3\n")
    with pytest.raises(ContractError, match="expected no pattern beside it"):
        PROBLEM.configured({"table": str(path), "pattern": "events"})


def test_feedback_and_pictures_are_aggregates() -> None:
    played = results(PROBLEM, SORTED)
    text = PROBLEM.feedback(played)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "reviews: score" in text
    failed = InstanceResult(name="events-9", regime="events", outcome=Outcome.INVALID, detail="rows: expected")
    assert "- events: invalid: rows: expected" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [7, 7]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared() -> None:
    reported = {name for result in results(PROBLEM, AS_IT_IS) for name in result.metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}
