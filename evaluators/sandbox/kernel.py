"""The system calls that Python's library does not wrap, as functions that raise OSError."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def prctl(option: int, argument: int) -> None:
    """Set one process attribute."""
    _checked(_libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0), "prctl")


def system_call(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """The result of a system call; integers are passed as 64 bits, bytes as a pointer to them."""
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return _checked(_syscall(ctypes.c_long(number), *wide), f"system call {number}")


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result
