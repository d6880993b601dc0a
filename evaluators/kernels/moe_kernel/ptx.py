"""What a text in PTX declares: its one kernel, the kernel's parameters, and nothing that outlives a launch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.kernels.moe_kernel.plans import Argument, Kernel, Launch, Plan

TARGET = "sm_90a"
MOST_THREADS = 1024
MOST_GRID = (2**31 - 1, 65535, 65535)  # CUDA's
MOST_SHARED_BYTES = 227 << 10  # of one block, compute capability 9.0
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ENTRY = re.compile(r"\.visible\s+\.entry\s+(\w+)\s*\((.*?)\)(.*?)\{", re.DOTALL)
_PARAMETER = re.compile(r"\.param\s+\.(\w+)")
_THREADS = re.compile(r"\.(?:reqntid|maxntid)\s+(\d+)")
# A variable of the module keeps its value from launch to launch. Constant tables are refused with the rest.
_STATE = re.compile(r"(?:^|[;{}])\s*(?:\.(?:visible|extern|weak|common)\s+)*\.(global|const)\b", re.MULTILINE)
_EXTERNAL = re.compile(r"\.(?:extern|weak)\s+\.(?:func|entry)\b")
_WORDS = frozenset({"u64", "b64", "s64"})
_PARAMETER_OF = {
    "buffer": _WORDS,
    "i64": _WORDS,
    "i32": frozenset({"u32", "b32", "s32"}),
    "fp32": frozenset({"f32", "b32"}),
}


class PtxError(Exception):
    """The text is not a kernel that may be run; one sentence for the program's author."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The kernel that a text declares."""

    name: str
    parameters: tuple[str, ...]  # types: u64, u32, f32, ...
    threads: int  # of a block, as required by the text; 0 if it does not say


def read_entry(ptx: str) -> Entry:
    """The one kernel of `ptx`.

    Raises:
        PtxError: Another target, more or fewer kernels, functions from elsewhere, or memory that outlives a launch.
    """
    text = _COMMENT.sub(" ", ptx)
    if not re.search(rf"^\s*\.target\s+{TARGET}\b", text, re.MULTILINE):
        raise PtxError(f"expected PTX for {TARGET}")
    entries = _ENTRY.findall(text)
    if len(entries) != 1 or len(re.findall(r"\.entry\b", text)) != 1:
        raise PtxError(f"expected one kernel, found {len(entries)}")
    if _STATE.search(text):
        raise PtxError("a kernel may keep nothing from launch to launch, found a variable of the module")
    if _EXTERNAL.search(text):
        raise PtxError("a kernel may call no function from elsewhere: no device_print, no device_assert")
    ((name, parameters, directives),) = entries
    threads = _THREADS.search(directives)
    return Entry(name, tuple(_PARAMETER.findall(parameters)), int(threads.group(1)) if threads else 0)


def check_plan(plan: Plan) -> None:
    """That every launch fits its kernel, and the kernel a block of the GPU.

    Raises:
        PtxError: It does not.
    """
    entries = [read_entry(kernel.ptx) for kernel in plan.kernels]
    for kernel, entry in zip(plan.kernels, entries, strict=True):
        _check_kernel(kernel, entry)
    for launch in plan.launches:
        _check_launch(launch, entries[launch.kernel])


def _check_kernel(kernel: Kernel, entry: Entry) -> None:
    if kernel.name != entry.name:
        raise PtxError(f"expected the kernel {kernel.name}, found {entry.name}")
    if entry.threads != 32 * kernel.num_warps or entry.threads > MOST_THREADS:
        raise PtxError(f"{kernel.name}: expected {32 * kernel.num_warps} threads, found {entry.threads}")
    if kernel.shared_bytes > MOST_SHARED_BYTES:
        raise PtxError(
            f"{kernel.name} needs {kernel.shared_bytes} bytes of shared memory, a block has {MOST_SHARED_BYTES}: "
            "take smaller blocks or fewer stages"
        )


def _check_launch(launch: Launch, entry: Entry) -> None:
    if any(size > most for size, most in zip(launch.grid, MOST_GRID, strict=True)):
        raise PtxError(f"{entry.name}: the grid may be at most {MOST_GRID}, found {launch.grid}")
    if not _match(launch.arguments, entry.parameters):
        kinds = ", ".join(argument.kind for argument in launch.arguments)
        raise PtxError(f"{entry.name} takes {', '.join(entry.parameters)}; its arguments are {kinds}")


def _match(arguments: Sequence[Argument], parameters: Sequence[str]) -> bool:
    """Whether the parameters are the arguments', and behind them the two pointers that Triton adds to each kernel."""
    kinds = [*(argument.kind for argument in arguments), "buffer", "buffer"]
    return len(kinds) == len(parameters) and all(
        parameter in _PARAMETER_OF[kind] for kind, parameter in zip(kinds, parameters, strict=True)
    )
