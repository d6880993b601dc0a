"""What the tiers and splits are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.contract import Split, Tier
from evaluators.placement.model_packing.bound import lone_room, volume_bound
from evaluators.placement.model_packing.cluster import NOWHERE, Cluster
from evaluators.placement.model_packing.draw import PAIRS, Regime, draw_cluster
from evaluators.placement.model_packing.placement import fault, first_fit
from evaluators.placement.model_packing.scenario import LEAST_SPAN
from evaluators.placement.model_packing.suite import HOLDOUT_REGIMES, SEARCH_REGIMES
from evaluators.placement.model_packing.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def test_the_hold_out_has_fleets_loads_widths_links_and_budgets_of_its_own() -> None:
    for what in ("name", "memories", "load", "size_sd", "budget"):
        ours, theirs = ({getattr(one, what) for one in regimes} for regimes in (SEARCH_REGIMES, HOLDOUT_REGIMES))
        assert not (ours & theirs) - {0.7, 0.0}, what
    assert max(one.gpus[1] for one in HOLDOUT_REGIMES) > max(one.gpus[1] for one in SEARCH_REGIMES)
    widest = [max(width for one in regimes for width, _ in one.widths) for regimes in (SEARCH_REGIMES, HOLDOUT_REGIMES)]
    assert widest == [4, 8]


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_every_cluster_has_something_to_win_and_no_part_decides_alone(split: Split) -> None:
    scenarios = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    assert len({one.name for one in scenarios}) == len(scenarios) == 25
    assert {one.regime for one in scenarios} == {
        one.name for one in (HOLDOUT_REGIMES if split is Split.HOLDOUT else SEARCH_REGIMES)
    }
    for one in scenarios:
        weak = first_fit(one.cluster)
        assert weak is not None
        assert not fault(one.cluster, weak)
        assert one.weak == one.cluster.room(weak)
        assert one.bound - one.weak >= LEAST_SPAN * one.bound
        assert one.regime == PAIRS or lone_room(one.cluster) >= volume_bound(one.cluster)


@pytest.mark.parametrize("regime", [*SEARCH_REGIMES, *HOLDOUT_REGIMES], ids=lambda regime: regime.name)
def test_clusters_are_as_their_regime_says(regime: Regime) -> None:
    rng = np.random.default_rng(7)
    drawn = [one for one in (draw_cluster(regime, rng) for _ in range(25)) if one is not None]
    for one in drawn:
        assert regime.gpus[0] <= one.num_gpus <= regime.gpus[1]
        assert set(one.memory_G) <= {memory for memory, _ in regime.memories}
        widths = np.bincount(one.model_N)
        assert widths.max() <= max(width for width, _ in regime.widths)
        assert (one.home_N != NOWHERE).any() == bool(regime.drift_sd)
        assert one.budget_gb == pytest.approx(regime.budget * one.size_N[one.home_N != NOWHERE].sum())
        if regime.name != PAIRS:
            assert one.size_N.sum() / one.memory_G.sum() == pytest.approx(regime.load, abs=0.02)
            assert one.num_parts == round(regime.parts_per_gpu * one.num_gpus)
    if regime.name != PAIRS and not regime.drift_sd:
        assert np.mean([correlation(one) for one in drawn]) == pytest.approx(regime.link, abs=0.2)


def correlation(cluster: Cluster) -> float:
    _, first = np.unique(cluster.model_N, return_index=True)
    return float(np.corrcoef(np.log(cluster.size_N[first]), np.log(cluster.demand_N[first]))[0, 1])


def test_parts_of_a_model_are_alike() -> None:
    for one in PROBLEM.instances(Tier.QUICK, Split.HOLDOUT, seeds(Split.HOLDOUT)):
        for values in (one.cluster.size_N, one.cluster.rate_N, one.cluster.slo_N):
            _, first, back = np.unique(one.cluster.model_N, return_index=True, return_inverse=True)
            assert (values == values[first][back]).all()


def test_incumbents_fit_and_some_models_are_new() -> None:
    drifting = [one for one in PROBLEM.instances(Tier.QUICK, Split.SEARCH, seeds()) if one.regime == "drift"]
    for one in drifting:
        settled = one.cluster.home_N != NOWHERE
        cut = replace(
            one.cluster,
            size_N=one.cluster.size_N[settled],
            rate_N=one.cluster.rate_N[settled],
            slo_N=one.cluster.slo_N[settled],
            model_N=one.cluster.model_N[settled],
            home_N=one.cluster.home_N[settled],
        )
        assert not fault(cut, cut.home_N)
    assert any((one.cluster.home_N == NOWHERE).any() for one in drifting)


def test_seeds_decide_everything() -> None:
    first, again, other = (PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds(seed=seed)) for seed in (3, 3, 4))
    for one, same, different in zip(first, again, other, strict=True):
        assert (one.cluster.size_N == same.cluster.size_N).all()
        assert (one.cluster.rate_N == same.cluster.rate_N).all()
        assert one.bound == same.bound
        assert one.name == different.name
        assert one.bound != different.bound
