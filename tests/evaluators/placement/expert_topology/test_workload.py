from __future__ import annotations

import numpy as np
import pytest

from evaluators.placement.expert_topology.workload import Regime, TraceShape, draw_workload

SHAPE = TraceShape(layers=3, experts=16, top_k=2, gpus=4, shown=4000, iterations=2, per_iteration=2000)


def drawn(regime: Regime, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    workload = draw_workload(regime, SHAPE, np.random.default_rng(seed))
    return workload.shown.ids_TLK.astype(int), workload.scored.ids_TLK.astype(int)


def test_tokens_pick_different_experts_and_come_from_all_gpus_alike() -> None:
    workload = draw_workload(Regime(name="r"), SHAPE, np.random.default_rng(0))
    for routing in (workload.shown, workload.scored):
        assert (routing.ids_TLK[..., 0] != routing.ids_TLK[..., 1]).all()
        assert ((routing.ids_TLK >= 0) & (routing.ids_TLK < 16)).all()
        assert (np.bincount(routing.source_T) == 1000).all()


def test_equal_seeds_give_equal_tokens() -> None:
    assert (drawn(Regime(name="r"), 3)[1] == drawn(Regime(name="r"), 3)[1]).all()
    assert (drawn(Regime(name="r"), 3)[1] != drawn(Regime(name="r"), 4)[1]).any()


def test_a_strong_boost_makes_one_expert_follow_another() -> None:
    shown, scored = drawn(Regime(name="r", boost=7.0, popularity=0.1, topical=0.1))
    for ids in (shown, scored):
        follows = np.zeros((16, 16))
        np.add.at(follows, (ids[:, 0, 0], ids[:, 1, 0]), 1)
        assert (follows.max(axis=1) / follows.sum(axis=1)).min() > 0.7
        assert len(set(follows.argmax(axis=1))) == 16


def test_clans_follow_clans() -> None:
    ids, _ = drawn(Regime(name="r", boost=7.0, clan=4, popularity=0.1, topical=0.1))
    follows = np.zeros((16, 16))
    np.add.at(follows, (ids[:, 0, 0], ids[:, 1, 0]), 1)
    likely = follows > 20
    assert (likely.sum(axis=1) == 4).all()
    assert len({tuple(row) for row in likely}) == 4


def test_popular_experts_stay_popular_unless_they_drift() -> None:
    def likeness(regime: Regime) -> float:
        first, second = (np.bincount(ids[:, 2].ravel(), minlength=16) for ids in drawn(regime))
        return float(np.corrcoef(first, second)[0, 1])

    assert likeness(Regime(name="r", popularity=1.0)) > 0.98
    assert likeness(Regime(name="r", popularity=1.0, drift=2.0)) < 0.9


def test_locality_gives_gpus_tokens_of_their_own() -> None:
    def spread(locality: float) -> float:
        workload = draw_workload(Regime(name="r", topical=1.5, locality=locality), SHAPE, np.random.default_rng(1))
        shares = np.array([np.bincount(workload.shown.ids_TLK[g::4, 0].ravel(), minlength=16) for g in range(4)])
        return float((shares.std(axis=0) / shares.mean(axis=0)).mean())

    assert spread(0.9) > 3 * spread(0.0)


@pytest.mark.parametrize("clan", [3, 5])
def test_a_clan_that_does_not_divide_the_experts_is_shortened(clan: int) -> None:
    assert drawn(Regime(name="r", clan=clan))[0].shape == (4000, 3, 2)
