from __future__ import annotations

import errno

import pytest

from evaluators.sandbox.seccomp import Block, policy_program
from evaluators.sandbox.syscall_policy import FIRST_UNKNOWN, Machine, absent_calls, argument_rules, denied_calls

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS


def action(program: Block, machine: Machine, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel does with a call: the classic BPF machine, as far as our filters use it."""
    words = {0: number, 4: machine.audit_arch}
    for i in range(6):
        value = arguments[i] if i < len(arguments) else 0
        words[16 + 8 * i], words[20 + 8 * i] = value & 0xFFFFFFFF, value >> 32
    accumulator, position = 0, 0
    while True:
        code, if_true, if_false, constant = program[position]
        position += 1
        if code == 0x06:
            return constant
        if code == 0x20:
            accumulator = words[constant]
        else:
            holds = accumulator == constant if code == 0x15 else accumulator >= constant
            position += if_true if holds else if_false


@pytest.mark.parametrize("machine", Machine)
def test_filter_treats_every_call_as_the_policy_says(machine: Machine) -> None:
    program, rules = policy_program(machine), argument_rules(machine)
    denied, absent = denied_calls(machine), absent_calls(machine)
    for number in range(FIRST_UNKNOWN + 50):
        expected = ALLOW
        if number in denied:
            expected = EPERM
        elif number in absent or number >= FIRST_UNKNOWN:
            expected = ENOSYS
        if number not in rules:
            assert action(program, machine, number) == expected, number


Calls = list[tuple[int, ...]]
# Numbers on x86-64 and aarch64; arguments that pass; arguments that do not.
BY_ARGUMENT: dict[str, tuple[tuple[int, int], Calls, Calls]] = {
    "prlimit64": ((302, 261), [(0, 9, 0)], [(0, 9, 0x7F00_0000_1000), (0, 9, 1 << 40)]),
    "fcntl": (
        (72, 25),
        [(4, 0, 5), (4, 1), (4, 2, 1), (4, 3), (4, 4, 0x800), (4, 1030, 5), (4, (1 << 32) | 3)],
        [(4, command) for command in (5, 6, 7, 8, 10, 15, 36, 37, 38, 1024, 1026, 1031, 1036, 1038)]
        + [(4, (1 << 32) | 8, 1)],
    ),
    "ioctl": (
        (16, 29),
        [(0, 0x5401), (0, 0x541B), (0, 0x5421), (0, 0x5451)],
        [(0, 0x5412), (0, 0x541C), (0, 0x5452), (0, 0x8901), (0, 0x40087602), (0, 0x40086602), (0, 0xC020660B)],
    ),
    "clock_gettime": ((228, 113), [(0,), (1,), (2,), (3,), (7,)], [((1 << 32) - 6,), ((1 << 64) - 80,), (1 << 31,)]),
    "clock_getres": ((229, 114), [(1,)], [((1 << 32) - 80,)]),
    "clock_nanosleep": ((230, 115), [(1,)], [((1 << 32) - 80,)]),
    "madvise": (
        (28, 233),
        [(1 << 40, 4096, advice) for advice in (0, 4, 8, 14, 15)],
        [(1 << 40, 4096, advice) for advice in (1, 2, 3, 9, 12, 20, 21, 22, 23, 25, 100)],
    ),
    "futex": (
        (202, 98),
        [(1 << 40, operation, 1) for operation in (128, 129, 137, 393)],
        [(1 << 40, operation, 1) for operation in (0, 1, 2, 3, 4, 5, 9, 10, 13, 256, 265)],
    ),
}


@pytest.mark.parametrize("machine", Machine)
@pytest.mark.parametrize("name", BY_ARGUMENT)
def test_arguments_decide_where_the_policy_says_so(machine: Machine, name: str) -> None:
    program, (numbers, passing, refused) = policy_program(machine), BY_ARGUMENT[name]
    for arguments in passing:
        assert action(program, machine, numbers[machine.column], arguments) == ALLOW, arguments
    for arguments in refused:
        assert action(program, machine, numbers[machine.column], arguments) == EPERM, arguments


@pytest.mark.parametrize("machine", Machine)
def test_every_rule_on_arguments_is_tried_above(machine: Machine) -> None:
    assert argument_rules(machine).keys() == {numbers[machine.column] for numbers, _, _ in BY_ARGUMENT.values()}


def test_other_calling_conventions_kill() -> None:
    program = policy_program(Machine.X86_64)
    assert action(program, Machine.AARCH64, 0) == KILL
    assert action(program, Machine.X86_64, 0x40000000) == KILL


@pytest.mark.parametrize("machine", Machine)
def test_tables_name_no_call_twice(machine: Machine) -> None:
    sets = (denied_calls(machine), absent_calls(machine), frozenset(argument_rules(machine)))
    assert sum(map(len, sets)) == len(frozenset().union(*sets))
    assert max(frozenset().union(*sets)) < FIRST_UNKNOWN
