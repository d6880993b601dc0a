"""A curve measured on a made-up device is the one that the device was made with."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evaluators.kernels.expert_curve import measure_curve
from evaluators.kernels.timing import Effort, Launch, Timer


class Grouped:
    """Launches take an offset and a time per expert; the stopwatch asks the launch how long it took."""

    def __init__(self, noise_us: Sequence[float] = (0.0,)) -> None:
        self.took_us = 0.0
        self._noise = list(noise_us)

    def make(self, counts: Sequence[int]) -> Launch:
        def launch() -> None:
            noise = self._noise[len(counts) % len(self._noise)]
            self.took_us = 6.0 + sum(max(4.0, 0.05 * count) for count in counts) + noise

        return launch

    def calibration(self) -> None:
        self.took_us = 50.0

    def spans_us(self, launch: Launch, count: int) -> Sequence[float]:
        launch()
        return [self.took_us] * count

    def train_us(self, launch: Launch, count: int) -> float:
        return sum(self.spans_us(launch, count))


def timer(device: Grouped) -> Timer:
    return Timer(watch=device, calibration=device.calibration, effort=Effort(warmups=1, launches=3, calibrations=1))


def test_one_more_expert_costs_what_it_does_beside_others() -> None:
    device = Grouped()
    curve = measure_curve(timer(device), device.make, knots=(1, 64, 100, 200), beside=4)
    assert curve.time_us == pytest.approx((4.0, 4.0, 5.0, 10.0))
    assert curve.alone_us == pytest.approx((10.0, 10.0, 11.0, 16.0))
    assert curve.offset_us == pytest.approx(6.0)
    assert curve.replaced == ()
    assert curve.steady


def test_a_difference_lost_in_noise_is_replaced_and_told() -> None:
    device = Grouped(noise_us=(0.0, 0.0, 0.0, 0.0, 0.0, 100.0))  # on launches with five experts
    curve = measure_curve(timer(device), device.make, knots=(1, 200), beside=5)
    assert curve.replaced == (1, 200)
    assert curve.time_us == pytest.approx((4.6, 10.6))
