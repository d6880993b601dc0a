"""Every launch of the layer, caught on its way to a device that need not be there.

Tensors on torch's meta device have a shape and no memory, so that the layer runs at its real size and what it would
launch is known without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import torch
from torch import Tensor
from triton.runtime.jit import JITFunction
from triton.tools.tensor_descriptor import TensorDescriptor

from evaluators.kernels import stages
from evaluators.kernels.launch import dtype_named
from evaluators.kernels.permute import permute
from evaluators.kernels.reference import Routing, Schedule
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.tiles import Backward, candidates

_POINTERS = {torch.int32: "*i32", torch.float32: "*fp32", torch.float16: "*fp16", torch.bfloat16: "*bf16"}


@dataclass(frozen=True, slots=True)
class CaughtLaunch:
    """One launch that did not happen."""

    kernel: JITFunction
    arguments: Mapping[str, object]  # by the kernel's names: tensors, numbers, and constants among them
    options: Mapping[str, int]  # num_warps, num_stages


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


def constexprs(kernel: JITFunction) -> list[str]:
    """Names of the parameters that are compiled in."""
    return [parameter.name for parameter in kernel.params if parameter.is_constexpr]


def is_one(value: object) -> bool:
    """Whether Triton compiles this number in by itself."""
    return isinstance(value, int) and value == 1


def is_multiple_of_16(value: object) -> bool:
    """Whether Triton compiles in that it is one."""
    return isinstance(value, int) and value % 16 == 0


def type_of(value: object) -> str:
    """The argument's type as a kernel's signature writes it."""
    if isinstance(value, TensorDescriptor):
        return f"tensordesc<{_POINTERS[value.base.dtype].removeprefix('*')}{value.block_shape}>"
    return _POINTERS[value.dtype] if isinstance(value, Tensor) else "i32"


def _different(caught: Sequence[CaughtLaunch]) -> list[CaughtLaunch]:
    return list({_identity(launch): launch for launch in caught}.values())


def _identity(launch: CaughtLaunch) -> tuple[object, ...]:
    declared = constexprs(launch.kernel)
    kinds = [
        value if name in declared else (type_of(value), is_one(value), is_multiple_of_16(value))
        for name, value in launch.arguments.items()
    ]
    return launch.kernel.__name__, *kinds, *launch.options.items()
