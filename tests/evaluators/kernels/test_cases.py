"""The cases are what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.kernels.cases import LARGE, SMALL, Case, with_dtype

BOTH = [*SMALL, *LARGE]


def counts(case: Case, seed: int = 0) -> np.ndarray:
    return np.bincount(case.draw(np.random.default_rng(seed)).ravel(), minlength=case.shape.experts)


@pytest.mark.parametrize("case", BOTH, ids=lambda case: f"{case.name}, {case.shape.tokens}")
def test_tokens_choose_different_experts_within_bounds(case: Case) -> None:
    idx = case.draw(np.random.default_rng(1))
    assert idx.shape == (case.shape.tokens, case.shape.top_k)
    assert idx.dtype == np.int32
    assert ((idx >= 0) & (idx < case.shape.experts)).all()
    assert (np.diff(np.sort(idx, axis=1), axis=1) > 0).all()


@pytest.mark.parametrize("cases", [SMALL, LARGE], ids=["small", "large"])
def test_loads_are_as_named(cases: tuple[Case, ...]) -> None:
    named = {case.name: case for case in cases}
    assert (counts(named["empty experts"])[::2] == 0).all()
    assert counts(named["one hot expert"]).max() == named["one hot expert"].shape.rows
    assert (counts(named["every expert"]) == named["every expert"].shape.tokens).all()
    skewed, even = counts(named["ragged"]), counts(named["whole blocks"])
    assert skewed.max() / skewed.mean() > even.max() / even.mean()
    assert named["ties"].tied


def test_another_seed_draws_other_choices_and_the_same_the_same() -> None:
    case = SMALL[2]
    first, again, other = (case.draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
    assert with_dtype(case, "bfloat16").shape.dtype == "bfloat16"
