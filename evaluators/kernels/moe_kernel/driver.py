"""The little of the CUDA driver's interface that launches a kernel, by ctypes. No candidate's Python is near it."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Protocol

LIBRARY = "libcuda.so.1"
_MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
_UNASKED_SHARED_BYTES = 48 << 10
_C_TYPES: dict[str, type[ctypes.c_uint64 | ctypes.c_int32 | ctypes.c_int64 | ctypes.c_float]] = {
    "buffer": ctypes.c_uint64,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "fp32": ctypes.c_float,
}


class CudaError(Exception):
    """The driver refused, or a kernel failed."""


class Library(Protocol):
    """The functions of libcuda that are used; each returns 0 or an error's number."""

    def cuModuleLoadData(self, module: object, image: bytes, /) -> int: ...  # noqa: N802, D102 - the driver's names
    def cuModuleUnload(self, module: object, /) -> int: ...  # noqa: N802, D102
    def cuModuleGetFunction(self, function: object, module: object, name: bytes, /) -> int: ...  # noqa: N802, D102
    def cuFuncSetAttribute(self, function: object, attribute: int, value: int, /) -> int: ...  # noqa: N802, D102
    def cuLaunchKernel(self, function: object, *arguments: object) -> int: ...  # noqa: N802, D102
    def cuGetErrorName(self, error: int, name: object, /) -> int: ...  # noqa: N802, D102


class Module:
    """A loaded kernel, in the context that is current in this thread."""

    def __init__(self, library: Library, cubin: bytes, name: str, shared_bytes: int) -> None:
        self._library = library
        self._module, self._function = ctypes.c_void_p(), ctypes.c_void_p()
        self._shared_bytes = shared_bytes
        _check(library, library.cuModuleLoadData(ctypes.byref(self._module), cubin))
        found = library.cuModuleGetFunction(ctypes.byref(self._function), self._module, name.encode("ascii"))
        _check(library, found)
        if shared_bytes > _UNASKED_SHARED_BYTES:
            asked = library.cuFuncSetAttribute(self._function, _MAX_DYNAMIC_SHARED, shared_bytes)
            _check(library, asked)

    def launch(self, grid: tuple[int, int, int], threads: int, parameters: ctypes.Array[ctypes.c_void_p]) -> None:
        """Queue the kernel on the default stream of the context, which is that of torch."""
        error = self._library.cuLaunchKernel(
            self._function, *grid, threads, 1, 1, self._shared_bytes, None, parameters, None
        )
        _check(self._library, error)

    def unload(self) -> None:
        """Give it back."""
        _check(self._library, self._library.cuModuleUnload(self._module))


class Parameters:
    """The values of one launch as the driver wants them: an array of pointers to them. Keeps the values alive."""

    def __init__(self, values: Sequence[tuple[str, int | float]]) -> None:
        self._values = [_C_TYPES[kind](value) for kind, value in values]  # type: ignore[arg-type]
        pointers = [ctypes.cast(ctypes.pointer(value), ctypes.c_void_p) for value in self._values]
        self.array = (ctypes.c_void_p * len(pointers))(*pointers)


def open_library() -> Library:
    """The driver's library.

    Raises:
        CudaError: There is none.
    """
    try:
        library: Library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise CudaError(f"the NVIDIA driver's library cannot be loaded: {error}") from error
    return library


def _check(library: Library, error: int) -> None:
    if error == 0:
        return
    name = ctypes.c_char_p()
    library.cuGetErrorName(error, ctypes.byref(name))
    raise CudaError(f"CUDA error {error}: {(name.value or b'unknown').decode('ascii', 'replace')}")
