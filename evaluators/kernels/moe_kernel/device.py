"""The process that holds the GPU: runs compiled plans and tells what came of them. Started by `timing_process`.

It runs our code only. What it is sent of a program is machine code and numbers; both were checked by the worker.
"""

from __future__ import annotations

import base64
import ctypes
import math
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import torch
from torch import Tensor

from evaluators.kernels.ceilings import CeilingSizes, measure_ceilings
from evaluators.kernels.moe_kernel.bench import Device, try_out
from evaluators.kernels.moe_kernel.driver import CudaError, Library, Module, Parameters, open_library
from evaluators.kernels.moe_kernel.orders import Finding, Order
from evaluators.kernels.moe_kernel.own import naive_plan
from evaluators.kernels.moe_kernel.plans import Argument, Plan
from evaluators.kernels.moe_kernel.timing_process import Ready, Request
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.stopwatches import stopwatch
from evaluators.kernels.timing import Effort, Timer
from evaluators.protocol import PREFIX, body_length, decode, encode

CAPABILITY = (9, 0)
_PR_SET_PDEATHSIG = 1
_MOST_PACKED = 16  # sets of addresses whose parameters are kept; a timing has three
_CALIBRATION_WIDTH = 4096
_CEILING_EFFORT = Effort(warmups=3, launches=10)


class CudaPlan:
    """A compiled plan on the GPU; implements `evaluators.kernels.moe_kernel.bench.Runnable`."""

    def __init__(self, library: Library, plan: Plan, cubins: Sequence[bytes], device: torch.device) -> None:
        self._plan = plan
        self._modules: list[Module] = []
        for kernel, cubin in zip(plan.kernels, cubins, strict=True):
            self._modules.append(Module(library, cubin, kernel.name, kernel.shared_bytes))
        sizes = [plan.kernels[one.kernel].scratch_bytes * math.prod(one.grid) for one in plan.launches]
        if max(sizes) > 1 << 30:
            raise CudaError(f"Triton's scratch for this grid takes {max(sizes)} bytes, at most {1 << 30} are given")
        self._scratch = torch.empty(max(max(sizes), 1), dtype=torch.uint8, device=device)
        self._packed: dict[tuple[int, ...], list[Parameters]] = {}

    def run(self, buffers: Mapping[str, Tensor]) -> None:
        """See `Runnable`."""
        pointers = {name: value.data_ptr() for name, value in buffers.items()}
        key = tuple(pointers.values())
        if key not in self._packed:
            if len(self._packed) >= _MOST_PACKED:
                self._packed.clear()
            self._packed[key] = [self._parameters(launch.arguments, pointers) for launch in self._plan.launches]
        for launch, parameters in zip(self._plan.launches, self._packed[key], strict=True):
            threads = 32 * self._plan.kernels[launch.kernel].num_warps
            self._modules[launch.kernel].launch(launch.grid, threads, parameters.array)

    def unload(self) -> None:
        """Give its modules back."""
        for module in self._modules:
            module.unload()

    def _parameters(self, arguments: Sequence[Argument], pointers: Mapping[str, int]) -> Parameters:
        """The values in the order of the kernel's parameters, then Triton's own two: its scratch and its profile's."""
        values: list[tuple[str, int | float]] = []
        for argument in arguments:
            value = argument.value
            values.append((argument.kind, pointers[value] if isinstance(value, str) else value))
        return Parameters([*values, ("buffer", self._scratch.data_ptr()), ("buffer", 0)])


class Holder:
    """The GPU, and the naive programs that were loaded onto it."""

    def __init__(self, library: Library, device: torch.device) -> None:
        self._library = library
        watch = stopwatch(device)
        width = _CALIBRATION_WIDTH
        square = torch.randn(width, width, device=device, dtype=torch.bfloat16)
        product = torch.empty_like(square)
        timer = Timer(watch=watch, calibration=lambda: torch.mm(square, square, out=product), effort=_CEILING_EFFORT)
        measured = measure_ceilings(timer, device, CeilingSizes())
        torch.cuda.empty_cache()
        self._device = Device(
            torch_device=device,
            watch=watch,
            ceilings=measured.ceilings,
            synchronise=lambda: torch.cuda.synchronize(device),
        )
        self._naive: dict[tuple[Stage, LayerShape], CudaPlan] = {}

    def answer(self, request: Request) -> Finding:
        """What came of the request.

        Raises:
            CudaError: A kernel failed, so that the context is of no more use.
        """
        order = request.order
        cubins = [base64.b64decode(text) for text in request.cubins]
        plan = CudaPlan(self._library, request.plan, cubins, self._device.torch_device)
        finding = try_out(order, request.plan, plan, self._naive_for(order), self._device)
        plan.unload()
        torch.cuda.empty_cache()  # other workers' processes need the memory while it is their turn
        return finding

    def _naive_for(self, order: Order) -> CudaPlan:
        key = order.stage, order.shape
        if key not in self._naive:
            plan, machines = naive_plan(order.stage, order.shape)
            cubins = [machine.cubin for machine in machines]
            self._naive[key] = CudaPlan(self._library, plan, cubins, self._device.torch_device)
        return self._naive[key]


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until the requests end, or a kernel fails."""
    try:
        library = open_library()
        device = torch.device("cuda", 0)
        capability = torch.cuda.get_device_capability(device)
        if capability != CAPABILITY:
            found = f"the GPU has {capability}; --set timing=off needs none"
            raise CudaError(f"kernels are compiled for compute capability {CAPABILITY}, {found}")
        holder = Holder(library, device)
    except (CudaError, RuntimeError) as error:  # torch raises RuntimeErrors of its own
        _send(replies, Ready(error=str(error)[:300]))
        return
    _send(replies, Ready(device=torch.cuda.get_device_name(device)))
    while len(prefix := requests.read(PREFIX.size)) == PREFIX.size:
        request = decode(Request, requests.read(body_length(prefix)))
        try:
            finding = holder.answer(request)
        except torch.cuda.OutOfMemoryError as error:
            _send(replies, Finding(trouble=str(error)[:300], last=True))
            return
        except (CudaError, RuntimeError) as error:
            _send(replies, Finding(fault=f"on the GPU: {str(error).splitlines()[0][:200]}", last=True))
            return  # a failed kernel leaves no context that works
        _send(replies, finding)


def _send(replies: BinaryIO, message: object) -> None:
    replies.write(encode(message))
    replies.flush()


def main() -> None:
    """Serve the worker on stdin and stdout; anything printed by accident goes to stderr."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, replies)
