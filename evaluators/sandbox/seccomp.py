"""The system-call filter: classic BPF, built once, a binary search over the call's number."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from evaluators.sandbox.kernel import prctl
from evaluators.sandbox.syscall_policy import (
    FIRST_UNKNOWN,
    X32_BIT,
    ArgumentRule,
    Machine,
    absent_calls,
    argument_rules,
    denied_calls,
)

PR_GET_SECCOMP = 21
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
_KILL_PROCESS = 0x80000000
_RETURN_ERRNO = 0x00050000
_ALLOW = 0x7FFF0000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_LOAD_WORD, _RETURN, _JUMP_EQUAL, _JUMP_AT_LEAST = 0x20, 0x06, 0x15, 0x35


class Instruction(NamedTuple):
    """struct sock_filter."""

    code: int
    if_true: int
    if_false: int
    constant: int


Block: TypeAlias = list[Instruction]  # every path through a block ends in a return


class Filter:
    """A compiled filter; `install` costs one system call."""

    def __init__(self, instructions: Sequence[Instruction]) -> None:
        packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
        self._code = ctypes.create_string_buffer(packed, len(packed))
        self._program = ctypes.create_string_buffer(struct.pack("@HP", len(instructions), ctypes.addressof(self._code)))

    def install(self) -> None:
        """Filter the calling process for good; needs no_new_privs.

        Raises:
            OSError: The kernel has no seccomp filters.
        """
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(self._program))


def this_machine() -> Machine | None:
    """The architecture of this process; None where we have no table for it."""
    return {"x86_64": Machine.X86_64, "aarch64": Machine.AARCH64}.get(platform.machine())


def available() -> bool:
    """Whether this kernel and architecture can filter system calls."""
    try:
        prctl(PR_GET_SECCOMP, 0)
    except OSError:
        return False
    return this_machine() is not None


def child_filter(machine: Machine) -> Filter:
    """The filter every child wears."""
    return Filter(policy_program(machine))


def policy_program(machine: Machine) -> Block:
    """The policy as BPF: wrong conventions kill, denied calls answer EPERM, unknown ones ENOSYS."""
    head = [Instruction(_LOAD_WORD, 0, 0, _ARCH), Instruction(_JUMP_EQUAL, 1, 0, machine.audit_arch)]
    return [*head, *_return(_KILL_PROCESS), Instruction(_LOAD_WORD, 0, 0, _NUMBER), *_search(_intervals(machine))]


def _intervals(machine: Machine) -> list[tuple[int, Block]]:
    """Where, by rising number, each treatment begins."""
    denied, absent, rules = denied_calls(machine), absent_calls(machine), argument_rules(machine)
    intervals: list[tuple[int, Block]] = []
    for number in range(FIRST_UNKNOWN):
        if number in denied:
            block = _return(_RETURN_ERRNO | errno.EPERM)
        elif number in absent:
            block = _return(_RETURN_ERRNO | errno.ENOSYS)
        else:
            block = _argument_check(rules[number]) if number in rules else _return(_ALLOW)
        if not intervals or intervals[-1][1] != block:
            intervals.append((number, block))
    beyond = [(FIRST_UNKNOWN, _return(_RETURN_ERRNO | errno.ENOSYS)), (X32_BIT, _return(_KILL_PROCESS))]
    return intervals + beyond


def _search(intervals: Sequence[tuple[int, Block]]) -> Block:
    """Binary search, so that the kernel's per-install check of every number stays cheap."""
    if len(intervals) == 1:
        return intervals[0][1]
    middle = len(intervals) // 2
    below, above = _search(intervals[:middle]), _search(intervals[middle:])
    if len(below) > 255:
        raise ValueError(f"expected at most 255 instructions to jump over, found {len(below)}")
    return [Instruction(_JUMP_AT_LEAST, len(below), 0, intervals[middle][0]), *below, *above]


def _argument_check(rule: ArgumentRule) -> Block:
    low = _ARGUMENTS + 8 * rule.argument
    deny, allow = _return(_RETURN_ERRNO | errno.EPERM), _return(_ALLOW)
    if not rule.allowed and not rule.below:
        block = [Instruction(_LOAD_WORD, 0, 0, low), Instruction(_JUMP_EQUAL, 1, 0, 0), *deny]
        return [*block, Instruction(_LOAD_WORD, 0, 0, low + 4), Instruction(_JUMP_EQUAL, 1, 0, 0), *deny, *allow]
    tests = [Instruction(_JUMP_AT_LEAST, 0, len(rule.allowed) + 1, rule.below)]
    tests += [Instruction(_JUMP_EQUAL, len(rule.allowed) - place, 0, v) for place, v in enumerate(rule.allowed)]
    return [Instruction(_LOAD_WORD, 0, 0, low), *tests, *deny, *allow]


def _return(action: int) -> Block:
    return [Instruction(_RETURN, 0, 0, action)]
