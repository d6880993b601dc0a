"""What every launch of a kernel needs to know of the device it runs on."""

from __future__ import annotations

import torch
import triton
from torch import Tensor

from evaluators.kernels.tiles import INTERPRETER

COMPILED_FOR = "NVIDIA H200"
COMPILED_FOR_PROCESSORS = 132
INTERPRETED_PROCESSORS = 3  # few, so that a program of a toy size takes several tiles
DTYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


def dtype_named(name: str) -> torch.dtype:
    """The dtype of a `LayerShape`."""
    return next(dtype for dtype, known in DTYPES.items() if known == name)


def device_name(device: torch.device) -> str:
    """The name under which tiles and profiles of `device` are kept.

    The meta device, whose tensors have no memory, passes for the chip that the default tiles are made for.
    """
    if device.type == "meta":
        return COMPILED_FOR
    return INTERPRETER if device.type == "cpu" else str(torch.cuda.get_device_name(device))


def num_processors(device: torch.device) -> int:
    """Multiprocessors of `device`, of each of which a persistent program has one for itself."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).multi_processor_count)
    return COMPILED_FOR_PROCESSORS if device.type == "meta" else INTERPRETED_PROCESSORS


def check_runnable(tensor: Tensor) -> None:
    """Refuse what would fail obscurely or, worse, silently.

    Raises:
        RuntimeError: A tensor on the CPU without Triton's interpreter.
        TypeError: A dtype that the kernels have no path for, or bfloat16 under the interpreter, whose ``tl.dot`` takes
            its bits for integers and returns garbage without an error (triton-lang/triton issue 11584).
    """
    on_cpu = tensor.device.type == "cpu"
    if on_cpu and not triton.knobs.runtime.interpret:
        raise RuntimeError("Triton kernels need a CUDA device; on a CPU set TRITON_INTERPRET=1 before Python starts")
    if tensor.dtype not in DTYPES:
        raise TypeError(f"kernels take {', '.join(DTYPES.values())}, got {tensor.dtype}")
    if on_cpu and tensor.dtype is torch.bfloat16:
        raise TypeError("Triton's interpreter computes wrong products of bfloat16; use float16 or float32 on a CPU")


def power_of_two(at_least: int) -> int:
    """The least power of two that is not below `at_least`, as block sizes must be."""
    return 1 << max(0, at_least - 1).bit_length()
