"""The routing trace that is shipped: what it holds, and where it is played."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Outcome, ParameterValue, Split, Tier
from evaluators.placement.expert_replication import recorded_moe as shipped
from evaluators.placement.expert_replication.loads import RecordedLoads
from evaluators.placement.expert_replication.ranges import RANGES
from evaluators.placement.expert_replication.recorded_moe import EXPERTS, FILE, TOKENS, recorded_moe
from evaluators.placement.expert_replication.services import SERVICES
from evaluators.placement.expert_replication.suite import Recipe, recipes
from evaluators.placement.expert_replication.task import scenario_of
from evaluators.placement.expert_replication.workload import LoadShape
from evaluators.placement.token_ids import read_token_ids
from tests.evaluators.placement.scenes import STATIC, played, seeds

MOST_BYTES = 3_000_000
EPLB = Path(__file__).parents[3] / "seeds" / "expert_replication" / "baselines" / "eplb_global.py"


def extra(split: Split, settings: Mapping[str, ParameterValue], tier: Tier = Tier.REPORT) -> list[Recipe]:
    return [recipe for recipe in recipes(tier, split, settings) if recipe.plays_recorded_moe]


def test_the_file_is_small_and_holds_distinct_experts_of_every_byte() -> None:
    with resources.as_file(resources.files(shipped.__package__) / FILE) as path:
        assert path.stat().st_size <= MOST_BYTES
        ids_TLK = read_token_ids(path)
    assert ids_TLK.shape == (131_072, 4, 4)
    assert (ids_TLK.min(), ids_TLK.max()) == (0, EXPERTS - 1)
    assert (np.diff(np.sort(ids_TLK, axis=2), axis=2) > 0).all()


def test_its_loads_are_those_of_all_bytes() -> None:
    loads = recorded_moe()
    assert loads.settings() == {"layers": 4, "experts": 32, "top_k": 4, "tokens": TOKENS}
    assert loads.steps_SLE.sum() == 131_072 * 4 * 4


def test_scenarios_play_all_of_it_on_every_service_after_the_others() -> None:
    for split in (Split.HOLDOUT, Split.REPORT):
        found = recipes(Tier.REPORT, split, {})
        assert [recipe.plays_recorded_moe for recipe in found] == [False] * (len(found) - 4) + [True] * 4
        names = {recipe.name for recipe in found[-4:]}
        assert names == {f"recorded-moe-{service.name}-{turn}" for turn, service in enumerate(SERVICES)}
    recipe = extra(Split.REPORT, {})[0]
    workload = scenario_of(recipe, Tier.REPORT, Split.REPORT, seeds(Split.REPORT)).workload
    assert workload.totals_WLE.sum() == 131_072 * 4 * 4


@pytest.mark.parametrize(
    ("tier", "split"), [(Tier.FULL, Split.HOLDOUT), (Tier.REPORT, Split.SEARCH), (Tier.REPORT, Split.VALIDATION)]
)
def test_nothing_is_bred_or_chosen_on_it(tier: Tier, split: Split) -> None:
    assert extra(split, {}, tier) == []
    assert "recorded-moe" not in {regime.name for played in RANGES.values() for regime in played.regimes}


@pytest.mark.parametrize("settings", [{"experts": 64}, {"hidden": 4096}, {"tokens": 512}], ids=str)
def test_it_stays_out_where_the_user_fixed_another_model(settings: dict[str, ParameterValue]) -> None:
    assert extra(Split.REPORT, settings) == []


def test_it_is_played_on_the_users_machine() -> None:
    found = extra(Split.HOLDOUT, {"gpus": 4, "nodes": 1})
    assert {recipe.system.network.gpus for recipe in found} == {4}
    assert len(found) == len(SERVICES)


def test_moving_with_the_load_pays_on_it() -> None:
    eplb = EPLB.read_text(encoding="utf-8")
    for recipe in extra(Split.REPORT, {})[:2]:
        scenario = scenario_of(recipe, Tier.REPORT, Split.REPORT, seeds(Split.REPORT))
        still, moving = played(scenario, STATIC), played(scenario, eplb)
        assert still.outcome is moving.outcome is Outcome.SCORED
        assert still.score is not None
        assert moving.score is not None
        assert moving.score > still.score + 0.05


def test_a_recording_too_short_for_a_whole_scenario_is_refused() -> None:
    shape = LoadShape(
        layers=2, experts=4, top_k=1, groups=1, tokens=8, iterations_per_window=1, kept_iterations=4, warmup=2, scored=4
    )
    short = RecordedLoads(np.ones((23, 2, 4), np.int64), 1, None)
    with pytest.raises(ContractError, match="expected 24 iterations or more for a whole scenario, found 23"):
        short.whole(shape)
