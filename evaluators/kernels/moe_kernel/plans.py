"""A compiled plan as a child tells of it, read strictly: the child is not trusted, and neither is its JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluators import jsonable
from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, Outcome
from evaluators.kernels.moe_kernel.stages import BYTES_OF, Buffer

MOST_PLAN_BYTES = 4 << 20  # eight kernels of the most PTX (`ptx.py`), and what JSON adds
MOST_LAUNCHES = 8
MOST_BUFFERS = 16
MOST_SCRATCH_BYTES = 1 << 30
MOST_PROGRAM_SCRATCH_BYTES = 1 << 20
MOST_ARGUMENTS = 64
WARPS = (1, 2, 4, 8, 16, 32)
_BITS = {"i32": 31, "i64": 63}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One compiled kernel."""

    ptx: str
    name: str
    num_warps: int
    shared_bytes: int
    scratch_bytes: int  # of device memory, for each program of the grid; Triton's own, for tensor descriptors


@dataclass(frozen=True, slots=True)
class Argument:
    """A value in the place of one parameter."""

    kind: str  # "buffer", "i32", "i64" or "fp32"
    value: str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One launch, in the plan's order."""

    kernel: int  # its place in `Plan.kernels`
    grid: tuple[int, int, int]
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a program wants done, compiled."""

    kernels: tuple[Kernel, ...]
    launches: tuple[Launch, ...]
    scratch: tuple[Buffer, ...]


def read_plan(text: bytes, buffers: frozenset[str]) -> Plan:
    """The plan in the JSON of a child; `buffers` are the stage's.

    Raises:
        CandidateFailure: It is not what our host writes, so something else wrote it (`Outcome.TAMPERED`).
    """
    try:
        plan = jsonable.loads(Plan, text)
    except (ContractError, RecursionError) as error:
        raise _forged(str(error)) from None
    known = buffers | {buffer.name for buffer in plan.scratch}
    if not (0 < len(plan.kernels) <= MOST_LAUNCHES and 0 < len(plan.launches) <= MOST_LAUNCHES):
        raise _forged(f"{len(plan.kernels)} kernels, {len(plan.launches)} launches")
    if len(known) != len(buffers) + len(plan.scratch) or len(plan.scratch) > MOST_BUFFERS:
        raise _forged("names of scratch")
    if not all(_is_kernel(kernel) for kernel in plan.kernels):
        raise _forged("a kernel out of bounds")
    if not all(_is_scratch(buffer) for buffer in plan.scratch) or _num_bytes(plan) > MOST_SCRATCH_BYTES:
        raise _forged("scratch out of bounds")
    if not all(_is_launch(launch, len(plan.kernels), known) for launch in plan.launches):
        raise _forged("a launch out of bounds")
    return plan


def _forged(what: str) -> CandidateFailure:
    return CandidateFailure(Outcome.TAMPERED, f"the compiled plan is not one that the host writes: {what[:200]}")


def _is_kernel(kernel: Kernel) -> bool:
    return (
        kernel.ptx.isascii()
        and "\0" not in kernel.ptx
        and _is_name(kernel.name)
        and kernel.num_warps in WARPS
        and 0 <= kernel.shared_bytes < 1 << 30
        and 0 <= kernel.scratch_bytes <= MOST_PROGRAM_SCRATCH_BYTES
    )


def _is_scratch(buffer: Buffer) -> bool:
    sizes = all(0 < extent <= MOST_SCRATCH_BYTES for extent in buffer.size) and 0 < len(buffer.size) <= 8
    return _is_name(buffer.name) and buffer.dtype in BYTES_OF and sizes


def _is_launch(launch: Launch, num_kernels: int, buffers: frozenset[str]) -> bool:
    return (
        0 <= launch.kernel < num_kernels
        and all(0 < size < 1 << 31 for size in launch.grid)
        and len(launch.arguments) <= MOST_ARGUMENTS
        and all(_is_argument(argument, buffers) for argument in launch.arguments)
    )


def _is_argument(argument: Argument, buffers: frozenset[str]) -> bool:
    value = argument.value
    if argument.kind == "buffer":
        return isinstance(value, str) and value in buffers
    if argument.kind == "fp32":
        return isinstance(value, float) and math.isfinite(value)
    bits = _BITS.get(argument.kind)
    return bits is not None and isinstance(value, int) and -(1 << bits) <= value < 1 << bits


def _is_name(text: str) -> bool:
    return text.isidentifier() and text.isascii() and len(text) <= 200


def _num_bytes(plan: Plan) -> int:
    return sum(math.prod(buffer.size) * BYTES_OF[buffer.dtype] for buffer in plan.scratch)
