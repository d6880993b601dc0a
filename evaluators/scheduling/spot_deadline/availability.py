"""When spot machines are there: semi-Markov runs with heavy tails, and weather that regions share.

A region is up and down in turns. Run lengths are lognormal around means that give the wanted share of time up and
changes per day; the heavy tail is what published traces have and a Markov chain lacks. The weather is an AR(1) process
added to the log odds of being up: it lengthens one kind of run as it shortens the other. Part of it is common to all
regions.

Shapes: R regions, T ticks, H hours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

# Log-scale spread of run lengths: of 1.2, 1.5 and 1.8, and exponential runs, the one whose costs of the classic
# policies are nearest to those measured on the 45-day traces (`benchmarks/spot_table.py`).
RUN_LENGTH_SIGMA = 1.5
SPAN_H = 45 * 24.0  # a job starts anywhere within so long a trace
WEATHER_HALF_LIFE_H = 12.0


@dataclass(frozen=True, slots=True)
class Zone:
    """Long-run statistics of one region's spot machines."""

    availability: float  # share of time up, strictly between 0 and 1
    flips_per_day: float  # changes between up and down


# V100 spot machines in nine AWS zones over 45 days, as fitted to the public traces of Wu et al., "Can't Be Late:
# Optimizing Spot Instance Savings under Deadlines", NSDI 2024.
FITTED_ZONES = {
    "us-east-1a": Zone(0.17, 11.1),
    "us-east-1c": Zone(0.47, 15.1),
    "us-east-1d": Zone(0.45, 12.9),
    "us-east-1f": Zone(0.59, 12.6),
    "us-east-2a": Zone(0.76, 6.4),
    "us-east-2b": Zone(0.68, 7.7),
    "us-west-2a": Zone(0.88, 6.9),
    "us-west-2b": Zone(0.90, 4.1),
    "us-west-2c": Zone(0.89, 6.2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How much the odds of being up wander, and how much of that is common to the regions."""

    log_odds_sd: float = 0.0
    shared: float = 0.0  # share of the variance


CALM = Weather()


def draw_availability(
    zones: Sequence[Zone], weather: Weather, ticks: int, tick_s: float, rng: np.random.Generator
) -> Bools:
    """Whether spot is there at the start of each tick, ``(T, R)``."""
    tick_h = tick_s / 3600
    hours = math.ceil(SPAN_H + ticks * tick_h) + 1
    common_H = _weather(hours, rng)
    start_h = rng.uniform(0.0, SPAN_H)
    times_T = start_h + tick_h * np.arange(ticks)
    columns = []
    for zone in zones:
        own_H = _weather(hours, rng)
        mixed_H = math.sqrt(weather.shared) * common_H + math.sqrt(1.0 - weather.shared) * own_H
        ends = run_ends_h(zone, weather.log_odds_sd * mixed_H, rng)
        columns.append(np.searchsorted(ends, times_T, side="right") % 2 == 0)  # the first run is up
    return np.stack(columns, axis=1)


def run_ends_h(zone: Zone, log_odds_H: Floats, rng: np.random.Generator) -> Floats:
    """Hours at which runs end, up and down in turns and up first, over at least as many hours as the weather has.

    Args:
        zone: Means: ``availability`` of a cycle of ``48 / flips_per_day`` hours is up.
        log_odds_H: What is added to the log odds of being up, hour by hour.
        rng: Draws the lengths.
    """
    cycle_h = 48.0 / zone.flips_per_day
    means_h = (zone.availability * cycle_h, (1.0 - zone.availability) * cycle_h)
    ends: list[float] = []
    now_h, up = 0.0, True
    while now_h < len(log_odds_H):
        tilt = 0.5 * float(log_odds_H[int(now_h)])
        length = rng.lognormal(-(RUN_LENGTH_SIGMA**2) / 2, RUN_LENGTH_SIGMA)
        now_h += length * (means_h[0] * math.exp(tilt) if up else means_h[1] * math.exp(-tilt))
        ends.append(now_h)
        up = not up
    return np.array(ends)


def _weather(hours: int, rng: np.random.Generator) -> Floats:
    """A stationary AR(1) of mean 0 and variance 1, a value per hour."""
    keep = 0.5 ** (1.0 / WEATHER_HALF_LIFE_H)
    noise = math.sqrt(1.0 - keep * keep) * rng.standard_normal(hours)
    noise[0] = rng.standard_normal()
    values = np.empty(hours)
    value = 0.0
    for hour, step in enumerate(noise.tolist()):
        value = keep * value + step
        values[hour] = value
    return values
