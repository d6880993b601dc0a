"""The process that holds the GPU, on a machine without one: what it would launch, and what it says."""

from __future__ import annotations

import ctypes
import io
import struct
from dataclasses import replace
from typing import cast

import pytest

from evaluators.contract import Outcome, Tier
from evaluators.kernels.moe_kernel.plans import Argument, Launch
from evaluators.kernels.moe_kernel.task import PROBLEM
from evaluators.kernels.moe_kernel.timing_process import Ready
from evaluators.protocol import PREFIX, decode
from tests.evaluators.kernels.moe_kernel.listener import Listener
from tests.evaluators.kernels.moe_kernel.ptx_texts import a_kernel, a_plan

pytest.importorskip("torch", reason="the process needs torch")

import torch

from evaluators.kernels.moe_kernel import device
from evaluators.kernels.moe_kernel.driver import CudaError
from evaluators.kernels.moe_kernel.play_seeds import play_all

CPU = torch.device("cpu")


def launched(library: Listener) -> list[tuple[object, ...]]:
    return [arguments for name, arguments in library.calls if name == "launch"]


def test_a_plan_is_launched_in_order_with_the_buffers_addresses_and_tritons_own_two() -> None:
    second = Launch(kernel=1, grid=(2, 3, 1), arguments=(Argument("buffer", "rows"),))
    plan = a_plan(a_kernel(scratch_bytes=64))
    plan = replace(plan, kernels=(*plan.kernels, a_kernel(num_warps=8)), launches=(*plan.launches, second))
    library = Listener()
    buffers = {"out": torch.zeros(8), "rows": torch.zeros(8)}
    device.CudaPlan(library, plan, [b"one", b"two"], CPU).run(buffers)
    (grid_and_block, first), (_, then) = ((call[:6], call[7 + 1]) for call in launched(library))
    assert grid_and_block == (4, 1, 1, 128, 1, 1)
    pointers = cast(ctypes.Array[ctypes.c_void_p], first)
    raw = [ctypes.string_at(pointers[place] or 0, size) for place, size in enumerate((8, 4, 4, 8, 8))]
    out, number, half, scratch, profile = struct.unpack("<QifQQ", b"".join(raw))
    assert (out, number, half, profile) == (buffers["out"].data_ptr(), 7, 0.5, 0)
    assert scratch not in (0, out)
    assert launched(library)[1][:6] == (2, 3, 1, 256, 1, 1)
    assert ctypes.string_at(cast(ctypes.Array[ctypes.c_void_p], then)[0] or 0, 8) == struct.pack(
        "<Q", buffers["rows"].data_ptr()
    )


def test_the_parameters_of_other_buffers_are_their_own() -> None:
    library = Listener()
    plan = device.CudaPlan(library, a_plan(), [b""], CPU)
    sets = [{"out": torch.zeros(8)} for _ in range(3)]
    for buffers in (*sets, *sets):
        plan.run(buffers)
    told = [cast(ctypes.Array[ctypes.c_void_p], call[8])[0] or 0 for call in launched(library)]
    assert [ctypes.string_at(address, 8) for address in told] == [
        struct.pack("<Q", buffers["out"].data_ptr()) for buffers in (*sets, *sets)
    ]


def test_a_grid_that_takes_too_much_of_tritons_scratch_is_refused() -> None:
    plan = a_plan(a_kernel(scratch_bytes=1 << 20), grid=(1 << 12, 1, 1))
    with pytest.raises(CudaError, match="scratch"):
        device.CudaPlan(Listener(), plan, [b""], CPU)


def test_without_a_driver_it_says_so_and_ends() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a driver")
    replies = io.BytesIO()
    device.serve(io.BytesIO(), replies)
    ready = decode(Ready, replies.getvalue()[PREFIX.size :])
    assert "driver" in ready.error


@pytest.mark.gpu
@pytest.mark.parametrize("stage", ["combine", "permute", "router", "gate_up", "down"])
def test_every_shipped_program_is_right_and_timed_on_a_gpu(stage: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    found = play_all(PROBLEM.configured({"stage": stage}), Tier.SMOKE)
    for name, results in found.items():
        for result in results:
            assert result.outcome is Outcome.SCORED, f"{name}: {result.detail}"
            assert result.metrics["time_us"] > result.metrics["floor_us"] * 0.8
