"""Which trainings make up the splits: each has regimes of its own, as far as the user leaves them open."""

from __future__ import annotations

from itertools import combinations

import pytest

from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.contract import Split, Tier
from evaluators.seeding import SeedSource, secret_from_seed

SPLITS = (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)


def kinds(split: Split) -> set[tuple[object, ...]]:
    played = scenarios(Tier.QUICK, split, {}, SeedSource(secret_from_seed(0), split))
    return {(s.recipe.shape.num_experts, s.recipe.shape.top_k, s.recipe.shape.gate, s.recipe.mix) for s in played}


@pytest.mark.parametrize(("one", "other"), list(combinations(SPLITS, 2)))
def test_no_two_splits_train_the_same_model_on_the_same_mix(one: Split, other: Split) -> None:
    assert not kinds(one) & kinds(other)


@pytest.mark.parametrize("split", SPLITS)
def test_what_the_user_fixed_holds_in_every_split(split: Split) -> None:
    played = scenarios(Tier.QUICK, split, {"experts": 64, "top_k": 8, "gate": "sigmoid"}, SeedSource("s", split))
    assert {(s.recipe.shape.num_experts, s.recipe.shape.top_k, s.recipe.shape.gate) for s in played} == {
        (64, 8, "sigmoid")
    }
