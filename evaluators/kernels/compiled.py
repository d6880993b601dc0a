"""What the compiler makes of every launch of the layer for a Hopper GPU, on a machine without one.

Tensors on torch's meta device have a shape and no memory, so that the layer runs at its real size and every launch is
caught on its way to the device: what is compiled here is what would be launched there. Run it as
``python -m evaluators.kernels.compiled``; it needs Triton as a compiler, so without TRITON_INTERPRET.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from unittest.mock import patch

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction
from triton.tools.tensor_descriptor import TensorDescriptor

from evaluators.kernels import stages
from evaluators.kernels.launch import dtype_named
from evaluators.kernels.permute import permute
from evaluators.kernels.reference import Routing, Schedule
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.tiles import Backward, candidates

MOST_SHARED_BYTES = 227 * 1024  # of one block on sm_90 (CUDA C++ Programming Guide, compute capabilities)
_POINTERS = {torch.int32: "*i32", torch.float32: "*fp32", torch.float16: "*fp16", torch.bfloat16: "*bf16"}
HEADLINE = LayerShape(tokens=16384, width=2048, experts=64, top_k=8, expert_width=1024)


@dataclass(frozen=True, slots=True)
class CaughtLaunch:
    """One launch that did not happen."""

    kernel: JITFunction
    arguments: Mapping[str, object]  # by the kernel's names: tensors, numbers, and constants among them
    options: Mapping[str, int]  # num_warps, num_stages


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


def layer_launches(shape: LayerShape) -> list[CaughtLaunch]:
    """Every different launch of the layer's forward and backward pass, and of the permutation by itself."""
    inputs = meta_inputs(shape)
    with catching() as caught:
        stages.whole_layer(stages.FORWARD, inputs)()
        stages.whole_layer(stages.FORWARD_BACKWARD, inputs)()
        permute(inputs.x, inputs.schedule.order, shape.top_k, inputs.schedule.place)
    return _different(caught)


def candidate_launches(shape: LayerShape) -> list[CaughtLaunch]:
    """Every different launch of a search over the tiles of all steps."""
    inputs, steps = meta_inputs(shape), [*Stage, *Backward]
    with catching() as caught:
        for step in steps:
            for tiles in candidates(step):
                stages.launch(step, inputs, tiles)()
    return _different(caught)


def compile_launch(launch: CaughtLaunch, capability: int = 90) -> Compiled:
    """Compile down to machine code, and read the assembler's resource usage."""
    constants = {name: launch.arguments[name] for name in _constexprs(launch.kernel)}
    signature = {name: _type_of(launch.arguments[name]) for name in launch.arguments if name not in constants}
    aligned = {
        (launch.kernel.arg_names.index(name),): [["tt.divisibility", 16]]
        for name, kind in signature.items()
        if kind.startswith("*")
    }
    source = ASTSource(
        fn=launch.kernel,
        signature={name: signature.get(name, "constexpr") for name in launch.kernel.arg_names},
        constexprs=constants,
        attrs=aligned,
    )
    built = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=dict(launch.options))
    registers, spilled = _usage(built.asm["cubin"])
    return Compiled(
        kernel=launch.kernel.__name__,
        constants=", ".join(f"{name}={value}" for name, value in constants.items()),
        num_warps=int(launch.options.get("num_warps", 4)),
        registers=registers,
        spilled_bytes=spilled,
        shared_bytes=int(built.metadata.shared),
        matrix_instructions=built.asm["ptx"].count("wgmma.mma_async"),
    )


def meta_inputs(shape: LayerShape) -> stages.LayerInputs:
    """Inputs without memory."""
    T, D, E, K, F, R = shape.tokens, shape.width, shape.experts, shape.top_k, shape.expert_width, shape.rows  # noqa: N806

    def of(dtype: torch.dtype) -> Callable[..., Tensor]:
        return lambda *size: torch.empty(size, dtype=dtype, device="meta")

    data, index, wide = of(dtype_named(shape.dtype)), of(torch.int32), of(torch.float32)
    return stages.LayerInputs(
        shape=shape,
        x=data(T, D),
        w_router=data(E, D),
        bias=wide(E),
        routing=Routing(idx=index(T, K), gates=wide(T, K)),
        w_gate_up=data(E, D, 2 * F),
        w_down=data(E, F, D),
        schedule=Schedule(counts=index(E), offsets=index(E + 1), order=index(R), place=index(T, K)),
        rows=data(R, D),
        row_gates=wide(R),
        hidden=data(R, F),
        double=data(R, 2 * F),
        grad_out=data(T, D),
    )


@contextmanager
def catching() -> Iterator[list[CaughtLaunch]]:
    """Within it, launches are caught instead of made."""
    caught: list[CaughtLaunch] = []

    def catch(kernel: JITFunction, *positional: object, **named: object) -> None:
        arguments = dict(zip(kernel.arg_names, positional, strict=False))
        arguments |= {name: value for name, value in named.items() if name in kernel.arg_names}
        options: dict[str, int] = {name: int(str(named[name])) for name in ("num_warps", "num_stages") if name in named}
        caught.append(CaughtLaunch(kernel, arguments, options))

    with patch.object(JITFunction, "run", catch):
        yield caught


def _different(caught: Sequence[CaughtLaunch]) -> list[CaughtLaunch]:
    return list({_identity(launch): launch for launch in caught}.values())


def _identity(launch: CaughtLaunch) -> tuple[object, ...]:
    constants = _constexprs(launch.kernel)
    kinds = [value if name in constants else _type_of(value) for name, value in launch.arguments.items()]
    return launch.kernel.__name__, *kinds, *launch.options.items()


def _constexprs(kernel: JITFunction) -> list[str]:
    return [parameter.name for parameter in kernel.params if parameter.is_constexpr]


def _type_of(value: object) -> str:
    if isinstance(value, TensorDescriptor):
        return f"tensordesc<{_POINTERS[value.base.dtype].removeprefix('*')}{value.block_shape}>"
    return _POINTERS[value.dtype] if isinstance(value, Tensor) else "i32"


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


if __name__ == "__main__":
    sys.exit(main())
