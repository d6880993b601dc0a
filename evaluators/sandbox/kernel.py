"""The system calls that Python's library does not wrap, as functions that raise OSError."""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache

_CAPABILITY_VERSION_3 = 0x20080522


@cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def prctl(option: int, argument: int, address: int = 0) -> None:
    """Set one process attribute."""
    _checked(_libc().prctl(option, ctypes.c_ulong(argument), ctypes.c_ulong(address), 0, 0), "prctl")


def system_call(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """The result of a system call; integers are passed as 64 bits, bytes as a pointer to them."""
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return _checked(_libc().syscall(ctypes.c_long(number), *wide), f"system call {number}")


def drop_capabilities() -> None:
    """Give up every capability of this process, for good with no_new_privs."""
    no_capabilities = ctypes.create_string_buffer(24)
    _checked(_libc().capset(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), no_capabilities), "capset")


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result
