"""Kernels that cheat, on the CPU: functions stand for what the GPU would run, and a clock that obeys the test.

What a kernel can do there is what these functions do: read and write all memory it has an address of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from evaluators.kernels.floors import Ceilings
from evaluators.kernels.moe_kernel.orders import Finding, Order
from evaluators.kernels.moe_kernel.stages import Buffer, Load
from evaluators.kernels.shapes import LayerShape, Stage
from tests.evaluators.kernels.moe_kernel.ptx_texts import a_plan

pytest.importorskip("torch", reason="the reference needs torch")

import torch

from evaluators.kernels.moe_kernel import bench
from evaluators.kernels.moe_kernel.bench import Device, try_out

Buffers = Mapping[str, torch.Tensor]
SHAPE = LayerShape(tokens=24, width=64, experts=8, top_k=2, expert_width=16, dtype="bfloat16")
# Combining moves 9312 bytes; at 1 GB/s that is 9.3 us, and nothing else takes as long.
CEILINGS = Ceilings(matrix_tflops=1.0, copy_gb_s=1.0)


class Kernel:
    """A function in the place of a compiled plan."""

    def __init__(self, work: Callable[[Buffers], object], takes_us: float = 20.0, hides_us: float = 0.0) -> None:
        self._work = work
        self.takes_us = takes_us
        self.hides_us = hides_us

    def run(self, buffers: Buffers) -> None:
        CLOCK.device_us += self.takes_us
        CLOCK.host_us += self.takes_us + self.hides_us
        self._work(buffers)


class Clock:
    """A stopwatch that counts what kernels say they take."""

    def __init__(self) -> None:
        self.device_us = self.host_us = 0.0

    def spans_us(self, launch: Callable[[], object], count: int) -> Sequence[float]:
        spans = []
        for _ in range(count):
            before = self.device_us
            launch()
            spans.append(self.device_us - before)
        return spans

    def train_us(self, launch: Callable[[], object], count: int) -> float:
        before = self.host_us
        for _ in range(count):
            launch()
        return self.host_us - before


CLOCK = Clock()


def combine(buffers: Buffers) -> None:
    buffers["out"].copy_(buffers["rows"][buffers["place"].long()].float().sum(1))


def found(work: Callable[[Buffers], object], *, timed: bool = True, **kernel: float) -> Finding:
    order = Order(stage=Stage.COMBINE, shape=SHAPE, load=Load.SKEWED, seed=3, timed=timed)
    device = Device(torch_device=torch.device("cpu"), watch=CLOCK, ceilings=CEILINGS, synchronise=lambda: None)
    return try_out(order, a_plan(), Kernel(work, **kernel), Kernel(combine, takes_us=100.0), device)


def test_an_honest_kernel_is_right_and_timed_beside_the_naive_one_and_the_floor() -> None:
    finding = found(combine)
    assert (finding.fault, finding.tampering) == ("", "")
    assert (finding.program_us, finding.naive_us) == (20.0, 100.0)
    assert finding.floor_us == pytest.approx(9.408, rel=1e-3)
    assert 0 < finding.error < 2.5e-3


def test_nothing_is_timed_unless_the_order_says_so() -> None:
    assert found(combine, timed=False).program_us == 0.0


def test_every_call_has_one_of_several_addresses_and_every_timed_one_other_inputs() -> None:
    addresses, inputs = set(), set()

    def spying(buffers: Buffers) -> None:
        addresses.add(buffers["out"].data_ptr())
        inputs.add(tuple(buffers["rows"][0].tolist()))
        combine(buffers)

    found(spying)
    assert len(addresses) == bench.NUM_SETS
    assert len(inputs) == bench.NUM_SETS + bench.WARMUPS + bench.TURNS


def test_stale_outputs_are_not_there_to_be_left() -> None:
    """Outputs are poisoned before every call, so doing nothing leaves nothing."""
    calls = []

    def lazy(buffers: Buffers) -> None:
        calls.append(1)
        if len(calls) <= bench.NUM_SETS:  # right as long as it is looked at
            combine(buffers)

    assert "not written" in found(lazy).fault


def test_answers_kept_by_address_are_those_of_other_inputs() -> None:
    kept: dict[int, torch.Tensor] = {}

    def remembering(buffers: Buffers) -> None:
        if not kept:
            combine(buffers)
            kept[0] = buffers["out"].clone()
        buffers["out"].copy_(kept[0])

    assert "relative error" in found(remembering).fault


def test_answers_kept_for_each_address_are_those_of_earlier_inputs() -> None:
    kept: dict[int, torch.Tensor] = {}

    def remembering(buffers: Buffers) -> None:
        address = buffers["out"].data_ptr()
        if address not in kept:
            combine(buffers)
            kept[address] = buffers["out"].clone()
        buffers["out"].copy_(kept[address])

    assert "relative error" in found(remembering).fault


def test_work_done_only_while_no_clock_runs_is_missed_where_it_is_looked_for() -> None:
    calls = []

    def idling(buffers: Buffers) -> None:
        calls.append(1)
        if not bench.NUM_SETS < len(calls) <= bench.NUM_SETS + bench.WARMUPS + bench.TURNS:
            combine(buffers)

    assert "not written" in found(idling).fault


def test_zeroed_inputs_do_not_make_zeroed_outputs_right() -> None:
    def zeroing(buffers: Buffers) -> None:
        buffers["rows"].zero_()
        buffers["out"].zero_()

    assert found(zeroing).fault == "a kernel changed the input 'rows'"


def test_the_naive_program_has_inputs_that_the_program_never_saw() -> None:
    addresses: dict[str, set[int]] = {"program": set(), "naive": set()}

    def noting(name: str) -> Callable[[Buffers], None]:
        def work(buffers: Buffers) -> None:
            addresses[name].add(buffers["rows"].data_ptr())
            combine(buffers)

        return work

    order = Order(stage=Stage.COMBINE, shape=SHAPE, load=Load.EVEN, seed=3, timed=True)
    device = Device(torch_device=torch.device("cpu"), watch=CLOCK, ceilings=CEILINGS, synchronise=lambda: None)
    try_out(order, a_plan(), Kernel(noting("program")), Kernel(noting("naive"), takes_us=100.0), device)
    assert len(addresses["program"]) == bench.NUM_SETS
    assert len(addresses["naive"] - addresses["program"]) == 1


@pytest.mark.parametrize("beside", [-1, 1])
def test_writing_beside_a_buffer_is_seen(beside: int) -> None:
    def careless(buffers: Buffers) -> None:
        combine(buffers)
        out = buffers["out"]
        place = -1 if beside < 0 else out.numel()
        torch.as_strided(out, (1,), (1,), out.storage_offset() + place).fill_(1.0)

    assert "wrote outside of the buffer 'out'" in found(careless).fault


def test_a_constant_output_is_refused() -> None:
    assert "relative error" in found(lambda buffers: buffers["out"].fill_(0.1)).fault


def test_a_sum_in_bfloat16_is_refused() -> None:
    def dropping(buffers: Buffers) -> None:
        rows = buffers["rows"][buffers["place"].long()]
        buffers["out"].copy_((rows * 8).to(torch.float8_e4m3fn).to(torch.bfloat16).sum(1) / 8)

    assert "relative error" in found(dropping).fault


def test_faster_than_the_roofline_is_tampering() -> None:
    assert "faster than the roofline" in found(combine, takes_us=7.0).tampering
    assert found(combine, takes_us=8.0).tampering == ""


def test_work_that_the_devices_clock_does_not_see_is_tampering() -> None:
    assert "by the host's" in found(combine, hides_us=60.0).tampering
    assert found(combine, hides_us=20.0).tampering == ""


def test_scratch_is_poisoned_before_every_call() -> None:
    def counting(buffers: Buffers) -> None:
        assert bool(buffers["seen"].isnan().all())
        buffers["seen"].fill_(1.0)
        combine(buffers)

    order = Order(stage=Stage.COMBINE, shape=SHAPE, load=Load.EVEN, seed=3, timed=True)
    device = Device(torch_device=torch.device("cpu"), watch=CLOCK, ceilings=CEILINGS, synchronise=lambda: None)
    plan = replace(a_plan(), scratch=(Buffer(name="seen", size=(8,), dtype="float32"),))
    assert try_out(order, plan, Kernel(counting), Kernel(combine, takes_us=100.0), device).fault == ""
