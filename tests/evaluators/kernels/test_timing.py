"""The timing protocol with a made-up device, whose times are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

import pytest

from evaluators.kernels.timing import Effort, Launch, Timer


@dataclass
class MadeUpDevice:
    """Each launch says how long it takes; `pace` slows the device down, step by step of the calibration."""

    paces: Iterator[float] = field(default_factory=lambda: cycle([1.0]))
    once_us: float = 0.0  # that a train costs beside its launches
    order: list[str] = field(default_factory=list)
    _last_us: float = 0.0
    _pace: float = 1.0

    def kernel(self, name: str, *times_us: float) -> Launch:
        turn = cycle(times_us)

        def launch() -> None:
            self.order.append(name)
            self._last_us = next(turn)

        return launch

    def calibration(self) -> None:
        self._pace = next(self.paces)
        self._last_us = 100.0

    def spans_us(self, launch: Launch, count: int) -> Sequence[float]:
        spans = []
        for _ in range(count):
            launch()
            spans.append(self._pace * self._last_us)
        return spans

    def train_us(self, launch: Launch, count: int) -> float:
        return self.once_us + sum(self.spans_us(launch, count))


def timer(device: MadeUpDevice, warmups: int = 2, launches: int = 5, tries: int = 3) -> Timer:
    effort = Effort(warmups=warmups, launches=launches, calibrations=1)
    return Timer(watch=device, calibration=device.calibration, effort=effort, most_tries=tries)


def test_warm_ups_do_not_count_and_outliers_do_not_move_the_median() -> None:
    device = MadeUpDevice()
    timing = timer(device).time(device.kernel("k", 900.0, 900.0, 10.0, 11.0, 12.0, 13.0, 500.0))
    assert timing.median_us == 12.0
    assert timing.launches == 5
    assert timing.low_us == pytest.approx(10.8)
    assert timing.high_us == pytest.approx(110.4)
    assert timing.spread == pytest.approx((110.4 - 10.8) / 12.0)


def test_compared_launches_take_turns() -> None:
    device = MadeUpDevice()
    found = timer(device, warmups=1, launches=3).compare({"a": device.kernel("a", 10.0), "b": device.kernel("b", 25.0)})
    assert device.order == ["a", "b", *["a", "b"] * 3]
    assert found.ratios == {"a": 1.0, "b": 2.5}
    assert found.timings["b"].median_us == 25.0


def test_a_measurement_across_a_slowing_clock_is_made_again() -> None:
    device = MadeUpDevice(paces=iter([1.0, 1.1, 1.1, 1.11]))
    timing = timer(device).time(device.kernel("k", 10.0))
    assert (timing.tries, timing.steady) == (2, True)
    assert timing.median_us == pytest.approx(11.0)
    assert timing.drift == pytest.approx(0.01 / 1.1)


def test_a_clock_that_never_settles_is_reported_not_waited_for() -> None:
    device = MadeUpDevice(paces=cycle([1.0, 1.2]))
    timing = timer(device, tries=3).time(device.kernel("k", 10.0))
    assert (timing.tries, timing.steady) == (3, False)
    assert timing.drift == pytest.approx(0.2)


def test_what_a_train_costs_once_cancels() -> None:
    device = MadeUpDevice(once_us=5000.0)
    assert timer(device).per_call_us(device.kernel("k", 7.0), 10) == pytest.approx(7.0)


def test_nothing_to_time_is_an_error() -> None:
    device = MadeUpDevice()
    with pytest.raises(ValueError, match="expected one launch or more"):
        timer(device).compare({})
