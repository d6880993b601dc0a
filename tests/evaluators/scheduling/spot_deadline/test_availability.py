from __future__ import annotations

import numpy as np
import pytest

from evaluators.scheduling.spot_deadline.availability import (
    CALM,
    FITTED_ZONES,
    Weather,
    Zone,
    draw_availability,
    run_ends_h,
)

CALM_HOURS = np.zeros(40_000)


@pytest.mark.parametrize("name", FITTED_ZONES)
def test_zones_have_the_fitted_statistics(name: str) -> None:
    zone = FITTED_ZONES[name]
    lengths = np.diff(run_ends_h(zone, CALM_HOURS, np.random.default_rng(1)), prepend=0.0)
    up, down = lengths[::2].sum(), lengths[1::2].sum()
    assert up / (up + down) == pytest.approx(zone.availability, abs=0.04)
    assert 24 * len(lengths) / (up + down) == pytest.approx(zone.flips_per_day, rel=0.08)


def test_runs_have_heavier_tails_than_a_markov_chain() -> None:
    lengths = np.diff(run_ends_h(Zone(0.5, 8.0), CALM_HOURS, np.random.default_rng(2)), prepend=0.0)[::2]
    assert lengths.std() / lengths.mean() > 2.0  # exponential runs: 1
    assert np.median(lengths) < 0.5 * lengths.mean()  # exponential runs: 0.69


def test_ticks_see_the_runs() -> None:
    zone = Zone(0.6, 8.0)
    drawn = [draw_availability([zone], CALM, 400, 240.0, np.random.default_rng(seed)) for seed in range(150)]
    assert np.mean(drawn) == pytest.approx(0.6, abs=0.06)
    assert drawn[0].shape == (400, 1)


def test_shared_weather_makes_regions_alike() -> None:
    def correlation(shared: float) -> float:
        weather = Weather(log_odds_sd=2.0, shared=shared)
        zones = [Zone(0.5, 8.0)] * 2
        both = [draw_availability(zones, weather, 900, 240.0, np.random.default_rng(seed)) for seed in range(60)]
        first, second = np.concatenate(both).astype(np.float64).T
        covariance = np.mean((first - first.mean()) * (second - second.mean()))
        return float(covariance / (first.std() * second.std()))

    assert correlation(0.95) > 0.15
    assert abs(correlation(0.0)) < 0.08


def test_same_generator_same_availability() -> None:
    zones, weather = list(FITTED_ZONES.values())[:3], Weather(log_odds_sd=1.0, shared=0.5)
    first, second = (draw_availability(zones, weather, 300, 240.0, np.random.default_rng(9)) for _ in range(2))
    assert (first == second).all()
