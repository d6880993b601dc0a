"""How kernels are timed: warm-ups, cold caches, medians, turns, and a fixed product that tells when the clock drifted.

Nothing here knows a device: the stopwatch is handed in (`evaluators.kernels.stopwatches`), so the arithmetic is tested
without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import numpy as np

Launch = Callable[[], object]

MOST_DRIFT = 0.03  # of the calibration's time, across one measurement
MOST_TRIES = 3


class Stopwatch(Protocol):
    """A device that can be timed."""

    def spans_us(self, launch: Launch, count: int) -> Sequence[float]:
        """The device's time of each of `count` launches, its caches flushed before each."""

    def train_us(self, launch: Launch, count: int) -> float:
        """The host's time of `count` launches back to back, from an idle device to an idle device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How often a launch is repeated."""

    warmups: int = 10
    launches: int = 20
    calibrations: int = 5  # launches of the fixed product, before and after


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Repeated launches of one thing."""

    median_us: float
    low_us: float  # a fifth of the launches took less
    high_us: float  # a fifth took more
    launches: int
    drift: float  # of the fixed product, from before to after; 0.01 is a hundredth slower
    tries: int  # measurements made; those before the last were rejected for their drift
    steady: bool  # whether the last one drifted little enough

    @property
    def spread(self) -> float:
        """Three fifths of the launches lie within this share of the median."""
        return (self.high_us - self.low_us) / self.median_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Several launches timed in turns, A B A B, so that what slows the device slows each alike."""

    timings: Mapping[str, Timing]
    ratios: Mapping[str, float]  # median over the turns of a launch's time over the first launch's of the same turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Times launches and rejects what the device's clock spoiled."""

    watch: Stopwatch
    calibration: Launch  # a fixed piece of work, always the same
    effort: Effort = Effort()
    most_drift: float = MOST_DRIFT
    most_tries: int = MOST_TRIES

    def time(self, launch: Launch) -> Timing:
        """The time of one launch."""
        return self.compare({"": launch}).timings[""]

    def compare(self, launches: Mapping[str, Launch]) -> Comparison:
        """The times of several launches, in turns.

        Raises:
            ValueError: There is nothing to time.
        """
        if not launches:
            raise ValueError("expected one launch or more to time, found none")
        for launch in launches.values():
            self.watch.spans_us(launch, self.effort.warmups)
        for attempt in range(1, self.most_tries + 1):
            before = self._calibration_us()
            turns = self._turns(launches)
            drift = self._calibration_us() / before - 1.0
            steady = abs(drift) <= self.most_drift
            if steady or attempt == self.most_tries:
                break
        first = turns[next(iter(turns))]
        return Comparison(
            timings={name: _timing(spans, drift, attempt, steady=steady) for name, spans in turns.items()},
            ratios={name: float(np.median(spans / first)) for name, spans in turns.items()},
        )

    def per_call_us(self, launch: Launch, count: int) -> float:
        """The host's time of one launch: that of twice `count` in a row less that of `count`, over `count`.

        What a train costs once (its first launch, the final wait) cancels; a launch that hides its work until the end,
        or does it once for all, shows.
        """
        self.watch.train_us(launch, self.effort.warmups)
        rounds = [self.watch.train_us(launch, 2 * count) - self.watch.train_us(launch, count) for _ in range(3)]
        return median(rounds) / count

    def _calibration_us(self) -> float:
        return median(self.watch.spans_us(self.calibration, self.effort.calibrations))

    def _turns(self, launches: Mapping[str, Launch]) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
        spans: dict[str, list[float]] = {name: [] for name in launches}
        if len(launches) == 1:
            ((name, launch),) = launches.items()
            spans[name] = list(self.watch.spans_us(launch, self.effort.launches))
        else:
            for _ in range(self.effort.launches):
                for name, launch in launches.items():
                    spans[name] += self.watch.spans_us(launch, 1)
        return {name: np.array(values, dtype=np.float64) for name, values in spans.items()}


def _timing(spans: np.ndarray[tuple[int], np.dtype[np.float64]], drift: float, tries: int, *, steady: bool) -> Timing:
    low, middle, high = np.quantile(spans, (0.2, 0.5, 0.8))
    return Timing(
        median_us=float(middle),
        low_us=float(low),
        high_us=float(high),
        launches=spans.size,
        drift=drift,
        tries=tries,
        steady=steady,
    )
