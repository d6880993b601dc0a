"""The floors, against the figures that the layer's datasheet arithmetic gives by hand."""

from __future__ import annotations

import pytest

from evaluators.kernels.floors import (
    H200_DATASHEET,
    Ceilings,
    experts_floor_us,
    floor_us,
    forward_floor_us,
    headline_shape,
    stage_floors_us,
    training_floor_us,
)
from evaluators.kernels.shapes import Stage, Work, stage_work


@pytest.mark.parametrize(("width", "experts_ms", "training_ms"), [(1024, 1.67, 5.0), (1408, 2.29, 6.9)])
def test_matrix_products_at_the_headline_shapes(width: int, experts_ms: float, training_ms: float) -> None:
    shape = headline_shape(width)
    assert experts_floor_us(shape, H200_DATASHEET) == pytest.approx(1e3 * experts_ms, rel=0.005)
    assert training_floor_us(shape, H200_DATASHEET) == pytest.approx(1e3 * training_ms, rel=0.01)


@pytest.mark.parametrize(("width", "weights_mb", "traffic_gb"), [(1024, 805, 1.75), (1408, 1107, 1.95)])
def test_bytes_at_the_headline_shapes(width: int, weights_mb: float, traffic_gb: float) -> None:
    shape = headline_shape(width)
    weights = 3 * shape.experts * shape.width * width * 2
    assert weights == pytest.approx(1e6 * weights_mb, rel=0.001)
    moved = sum(stage_work(stage, shape).bytes for stage in (Stage.GATE_UP, Stage.DOWN, Stage.COMBINE))
    assert moved - weights == pytest.approx(1e9 * traffic_gb, rel=0.005)


def test_stages_that_only_move_bytes() -> None:
    floors = stage_floors_us(headline_shape(1024), H200_DATASHEET)
    assert floors[Stage.PERMUTE] == pytest.approx(126, rel=0.01)
    assert floors[Stage.COMBINE] == pytest.approx(126, rel=0.01)
    assert floors[Stage.ROUTER] == pytest.approx(14, rel=0.03)
    assert floors[Stage.SCHEDULE] < 2


def test_the_longest_of_arithmetic_traffic_and_launch_decides() -> None:
    ceilings = Ceilings(matrix_tflops=100.0, copy_gb_s=1000.0, launch_us=2.0)
    assert floor_us(Work(flops=1e9, bytes=1e6), ceilings) == pytest.approx(10.0)
    assert floor_us(Work(flops=1e8, bytes=5e6), ceilings) == pytest.approx(5.0)
    assert floor_us(Work(flops=0.0, bytes=10.0), ceilings) == 2.0


def test_a_layer_is_no_faster_than_its_parts() -> None:
    shape = headline_shape(1408)
    assert forward_floor_us(shape, H200_DATASHEET) > experts_floor_us(shape, H200_DATASHEET)
    assert training_floor_us(shape, H200_DATASHEET) == pytest.approx(3 * experts_floor_us(shape, H200_DATASHEET))


def test_experts_without_rows_are_not_read() -> None:
    decode = headline_shape(1024)
    few = stage_floors_us(decode, H200_DATASHEET, active_experts=1)
    assert few[Stage.GATE_UP] <= stage_floors_us(decode, H200_DATASHEET)[Stage.GATE_UP]
    assert stage_work(Stage.DOWN, decode, 1).bytes < stage_work(Stage.DOWN, decode).bytes
