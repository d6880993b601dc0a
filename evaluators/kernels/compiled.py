"""What the compiler makes of every launch of the layer for a Hopper GPU, on a machine without one.

Run it as ``python -m evaluators.kernels.compiled``; it needs Triton as a compiler, so without TRITON_INTERPRET.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from evaluators.kernels.dry_launches import (
    CaughtLaunch,
    candidate_launches,
    constexprs,
    is_multiple_of_16,
    is_one,
    layer_launches,
    type_of,
)
from evaluators.kernels.shapes import LayerShape

MOST_SHARED_BYTES = 227 * 1024  # of one block on sm_90 (CUDA C++ Programming Guide, compute capabilities)
HEADLINE = LayerShape(tokens=16384, width=2048, experts=64, top_k=8, expert_width=1024)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the assembler says of one kernel."""

    kernel: str
    constants: str
    num_warps: int
    registers: int  # of a thread
    spilled_bytes: int  # of a thread: stack and local memory
    shared_bytes: int  # of a program
    matrix_instructions: int  # wgmma in the text
    serialized: bool  # whether the assembler makes each of them wait for the one before


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line for each kernel of the layer, forward and backward."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--expert-width", type=int, default=HEADLINE.expert_width)
    parser.add_argument("--candidates", action="store_true", help="also the tiles that a search would try")
    options = parser.parse_args(arguments)
    if triton.knobs.runtime.interpret:
        sys.stderr.write("TRITON_INTERPRET is set: Triton would interpret, not compile\n")
        return 1
    shape = replace(HEADLINE, expert_width=options.expert_width)
    launches = layer_launches(shape)
    if options.candidates:
        launches += candidate_launches(shape)
    for launch in launches:
        one = asdict(compile_launch(launch))
        sys.stdout.write("  ".join(f"{name} {value}" for name, value in one.items()) + "\n")
    return 0


def compile_launch(launch: CaughtLaunch, capability: int = 90) -> Compiled:
    """Compile down to machine code, and read the assembler's resource usage.

    As at a real launch, a 1 becomes a constant, and pointers and numbers are known to be multiples of 16 where they
    are; memory that torch allocates is.
    """
    names, arguments = launch.kernel.arg_names, launch.arguments
    declared = constexprs(launch.kernel)
    constants = {name: value for name, value in arguments.items() if name in declared or is_one(value)}
    signature = {name: type_of(arguments[name]) for name in names if name not in constants}
    aligned = [name for name, kind in signature.items() if kind.startswith("*") or is_multiple_of_16(arguments[name])]
    source = ASTSource(
        fn=launch.kernel,
        signature={name: signature.get(name, "constexpr") for name in names},
        constexprs=constants,
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in aligned},
    )
    built = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=dict(launch.options))
    registers, spilled = _usage(built.asm["cubin"])
    matrix_instructions = built.asm["ptx"].count("wgmma.mma_async")
    return Compiled(
        kernel=launch.kernel.__name__,
        constants=", ".join(f"{name}={constants[name]}" for name in declared),
        num_warps=int(launch.options.get("num_warps", 4)),
        registers=registers,
        spilled_bytes=spilled,
        shared_bytes=int(built.metadata.shared),
        matrix_instructions=matrix_instructions,
        serialized=matrix_instructions > 0 and _is_serialized(built.asm["ptx"], capability),
    )


def _usage(cubin: bytes) -> tuple[int, int]:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(cubin)
        command = [triton.knobs.nvidia.cuobjdump.path, "--dump-resource-usage", file.name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+) SHARED:\d+ LOCAL:(\d+)", text)
    if found is None:
        raise ValueError(f"cuobjdump names no resource usage: {text[:200]!r}")
    registers, stack, local = (int(number) for number in found.groups())
    return registers, stack + local


def _is_serialized(ptx: str, capability: int) -> bool:
    """By the assembler's remark, which Triton does not pass on (C7510 and its likes)."""
    with tempfile.NamedTemporaryFile(mode="w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command = [triton.knobs.nvidia.ptxas.path, "-v", f"--gpu-name=sm_{capability}a", file.name, "-o", os.devnull]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
    return "wgmma.mma_async instructions are serialized" in said.stdout + said.stderr


if __name__ == "__main__":
    sys.exit(main())
