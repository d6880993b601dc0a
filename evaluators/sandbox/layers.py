"""The layers between a child and the machine: prepared once in the zygote, put on by each child before any program.

A layer that the kernel lacks is left out and not named; whether the rest suffices is decided by `selftest`.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evaluators.sandbox.kernel import prctl

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
MAX_OPEN_FILES = 64
MAX_FILE_BYTES = 16 << 20
_ABOVE_FIXED_FDS = 16
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Layers:
    """What each child puts on; file descriptors and filters in it were made before the fork."""

    names: tuple[str, ...]
    mapped_bytes: int  # address space of the zygote, which every child starts with

    def put_on(self, parent: int, memory_bytes: int, cpu_s: int) -> None:
        """Confine the calling process for good.

        Raises:
            OSError: A layer that was prepared cannot be put on.
        """
        die_with_parent(parent)
        _limit(resource.RLIMIT_AS, self.mapped_bytes + memory_bytes)
        _limit(resource.RLIMIT_CPU, cpu_s)
        _limit(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
        _limit(resource.RLIMIT_CORE, 0)


def prepare(readable: Sequence[str], disabled: Collection[str]) -> Layers:
    """The layers this kernel offers, less the `disabled` ones; called in the zygote after its imports."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)
    return Layers(names=("rlimit",), mapped_bytes=memory_pages()[0] * _PAGE_BYTES)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it dies; exit if that happened already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def keep_only(requests: int, replies: int, output: int) -> None:
    """Leave stdin as it is, both output streams on `output`, the pipes on 3 and 4, and nothing else open."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _ABOVE_FIXED_FDS) for fd in (output, output, requests, replies)]
    for fixed, fd in enumerate(high, start=1):
        os.dup2(fd, fixed)
    os.closerange(5, MAX_OPEN_FILES)


def memory_pages() -> tuple[int, int]:
    """Pages this process maps, and pages it holds in memory."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


def _limit(which: int, value: int) -> None:
    resource.setrlimit(which, (value, value))
