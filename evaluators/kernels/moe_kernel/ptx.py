"""What a text in PTX declares: its one kernel, the kernel's parameters, and nothing that outlives a launch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaluators.kernels.moe_kernel.plans import Argument, Kernel, Launch, Plan

TARGET = "sm_90a"
MOST_THREADS = 1024
MOST_GRID = (2**31 - 1, 65535, 65535)  # CUDA's
MOST_SHARED_BYTES = 227 << 10  # of one block, compute capability 9.0
MOST_PTX_CHARS = 256 << 10  # of one kernel; the largest shipped one has 47 thousand
_OPENING = re.compile(r'"|//|/\*')
_UNPRINTABLE = re.compile(r"[^\t\n -\[\]-~]")  # a backslash too: who knows what the assembler takes it for
_WORD = re.compile(r"[(){},;]|(?:[^\s(){},;:]|::)+")
_OUTLIVING = re.compile(r"\.(?:global|const)\b")
# What may name these memories without declaring a variable in them.
_ACCESSES = frozenset(
    {"ld", "ldu", "st", "atom", "red", "cp", "cvta", "isspacep", "prefetch", "prefetchu", "discard", "multimem"}
    | {"applypriority", "createpolicy", "tensormap", "fence"}
)
_LONG = frozenset({"u64", "b64", "s64"})
_PARAMETER_OF = {
    "buffer": _LONG,
    "i64": _LONG,
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
    """The one kernel of `ptx`, in time linear in its length.

    Raises:
        PtxError: Too long, another target, more or fewer kernels, functions from elsewhere, or memory that outlives a
            launch.
    """
    if len(ptx) > MOST_PTX_CHARS:
        raise PtxError(f"a kernel may have {MOST_PTX_CHARS} characters of PTX, found {len(ptx)}: unroll less")
    words = _WORD.findall(_bare(ptx))
    if (".target", TARGET) not in pairwise(words):
        raise PtxError(f"expected PTX for {TARGET}")
    _refuse_state(words)
    _refuse_functions_from_elsewhere(words)
    entries = [place for place, word in enumerate(words) if word.endswith(".entry")]
    if len(entries) != 1:
        raise PtxError(f"expected one kernel, found {len(entries)}")
    return _entry(words, entries[0])


def _bare(ptx: str) -> str:
    """The text without comments and without what strings say."""
    if odd := _UNPRINTABLE.search(ptx):
        raise PtxError(f"expected printable ASCII, found {odd.group()!r}")
    kept, position = [], 0
    while opening := _OPENING.search(ptx, position):
        kept.append(ptx[position : opening.start()])
        closing = {'"': '"', "//": "\n", "/*": "*/"}[opening.group()]
        end = ptx.find(closing, opening.end())
        if end < 0 or (closing == '"' and "\n" in ptx[opening.end() : end]):
            raise PtxError(f"expected {closing!r} after {opening.group()!r}")
        kept.append(' "" ' if closing == '"' else " ")
        position = end + len(closing)
    return "".join([*kept, ptx[position:]])


def _refuse_state(words: Sequence[str]) -> None:
    """A variable of the module keeps its value from launch to launch. Constant tables are refused with the rest."""
    for before, word in pairwise(["", *words]):
        declares = _OUTLIVING.search(word) and word.partition(".")[0] not in _ACCESSES
        if declares and (before, word) not in ((".ptr", ".global"), (".ptr", ".const")):
            raise PtxError("a kernel may keep nothing from launch to launch, found a variable of the module")


def _refuse_functions_from_elsewhere(words: Sequence[str]) -> None:
    for word, following in pairwise([*words, ""]):
        if (".extern" in word or ".weak" in word) and (word, following) != (".extern", ".shared"):
            raise PtxError("a kernel may call no function from elsewhere: no device_print, no device_assert")


def _entry(words: Sequence[str], place: int) -> Entry:
    """The kernel declared at a place: ``.visible .entry NAME ( PARAMETERS ) DIRECTIVES {``."""
    head = words[max(place - 1, 0) : place + 3]
    try:
        close, body = words.index(")", place), words.index("{", place)
    except ValueError:
        raise PtxError("expected one kernel, found a piece of one") from None
    if len(head) != 4 or head[:2] != [".visible", ".entry"] or head[3] != "(" or body < close:
        raise PtxError("expected one kernel, `.visible .entry NAME (...) {`")
    types = [kind for word, kind in pairwise(words[place:close]) if word == ".param"]
    threads = [n for word, n in pairwise(words[close:body]) if word in (".reqntid", ".maxntid") and n.isdigit()]
    return Entry(head[2], tuple(kind.removeprefix(".") for kind in types), int(threads[0]) if threads else 0)


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
