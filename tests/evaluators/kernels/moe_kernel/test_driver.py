"""What the CUDA driver is told, seen by a library that only listens."""

from __future__ import annotations

import ctypes
import struct

import pytest

from evaluators.kernels.moe_kernel.driver import CudaError, Module, Parameters
from tests.evaluators.kernels.moe_kernel.listener import Listener


def test_parameters_are_pointers_to_the_values_in_order() -> None:
    parameters = Parameters([("buffer", 0x7F00_0000_1000), ("i32", -5), ("i64", 1 << 40), ("fp32", 0.5), ("buffer", 0)])
    sizes = (8, 4, 8, 4, 8)
    raw = [ctypes.string_at(parameters.array[place] or 0, size) for place, size in enumerate(sizes)]
    assert b"".join(raw) == struct.pack("<QiqfQ", 0x7F00_0000_1000, -5, 1 << 40, 0.5, 0)


@pytest.mark.parametrize(("shared_bytes", "asked"), [(48 << 10, []), (200 << 10, [("attribute", (8, 200 << 10))])])
def test_much_shared_memory_is_asked_for_first(shared_bytes: int, asked: list[object]) -> None:
    library = Listener()
    Module(library, b"\x7fELF", "add", shared_bytes)
    assert library.calls[:2] == [("load", (b"\x7fELF",)), ("function", (b"add",))]
    assert library.calls[2:] == asked


def test_a_launch_is_grid_threads_shared_memory_default_stream_and_parameters() -> None:
    library = Listener()
    module = Module(library, b"", "add", 1024)
    parameters = Parameters([("i32", 1)])
    module.launch((4, 2, 1), 128, parameters.array)
    assert library.calls[-1] == ("launch", (4, 2, 1, 128, 1, 1, 1024, None, parameters.array, None))


@pytest.mark.parametrize("fails", ["load", "function", "attribute"])
def test_what_the_driver_refuses_is_an_error(fails: str) -> None:
    with pytest.raises(CudaError, match="700"):
        Module(Listener(fails), b"", "add", 200 << 10)
