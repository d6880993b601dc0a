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

from evaluators.sandbox import landlock, seccomp
from evaluators.sandbox.kernel import drop_capabilities, prctl
from evaluators.sandbox.readable import DEVICES, PROCESSOR

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
UNPRIVILEGED_UID = 65534  # nobody
MAX_OPEN_FILES = 64
MAX_FILE_BYTES = 16 << 20
_ABOVE_FIXED_FDS = 16
_PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What each child puts on; its ruleset and filter were made before the fork, and cost one system call each."""

    mapped_bytes: int  # address space of the zygote, which every child starts with
    uid: int | None
    ruleset: landlock.Ruleset | None
    filter: seccomp.Filter | None
    limited: bool  # by rlimits
    names: tuple[str, ...]

    def put_on(self, parent: int, memory_bytes: int, cpu_s: int, fds: Sequence[int]) -> None:
        """Confine the calling process for good, with `fds` (requests, replies, output) as its only pipes.

        Raises:
            OSError: A layer that was prepared cannot be put on.
        """
        if self.limited:
            _limit(resource.RLIMIT_AS, self.mapped_bytes + memory_bytes)
            _limit(resource.RLIMIT_CPU, cpu_s)
            _limit(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
        _drop_privileges(self.uid)
        prctl(PR_SET_DUMPABLE, 0)  # a change of uid resets it, and the signal below
        die_with_parent(parent)
        if self.ruleset is not None:
            self.ruleset.restrict_self()
        _keep_only(fds)
        if self.filter is not None:
            self.filter.install()


def prepare(readable: Sequence[str], disabled: Collection[str], listable: Sequence[str] = ()) -> Layers:
    """The layers this kernel offers, less the `disabled` ones; called in the zygote after its imports."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    prctl(PR_SET_DUMPABLE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    abi = 0 if "landlock" in disabled else landlock.abi_version()
    machine = seccomp.this_machine() if "seccomp" not in disabled and seccomp.available() else None
    uid = None if "uid" in disabled else unprivileged_uid(readable)
    limited = "rlimit" not in disabled
    offered = {"rlimit": limited, "uid": uid, "seccomp": machine, f"landlock{abi}": abi}
    return Layers(
        mapped_bytes=memory_pages()[0] * _PAGE_BYTES,
        uid=uid,
        ruleset=_ruleset(abi, readable, listable) if abi else None,
        filter=seccomp.child_filter(machine) if machine else None,
        limited=limited,
        names=tuple(name for name, found in offered.items() if found),
    )


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it dies; exit if that happened already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def memory_pages() -> tuple[int, int]:
    """Pages this process maps, and pages it holds in memory."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        mapped, resident = statm.read().split()[:2]
    return int(mapped), int(resident)


def unprivileged_uid(readable: Sequence[str]) -> int | None:
    """A uid that root's children can take on; None for others, or where it could not read what programs import."""
    if os.geteuid() != 0:
        return None
    pid = os.fork()
    if pid == 0:
        try:
            _drop_privileges(UNPRIVILEGED_UID)
            os._exit(int(any(not os.access(path, os.R_OK) for path in readable)))
        except OSError:  # a container in which root is the only user
            os._exit(1)
    return UNPRIVILEGED_UID if os.waitpid(pid, 0)[1] == 0 else None


def _ruleset(abi: int, readable: Sequence[str], listable: Sequence[str]) -> landlock.Ruleset:
    ruleset = landlock.Ruleset(abi)
    ruleset.allow_listing(listable)
    ruleset.allow_reading([*readable, *DEVICES, *PROCESSOR])
    ruleset.allow_writing_device("/dev/null")
    return ruleset


def _drop_privileges(uid: int | None) -> None:
    """Become `uid` if one is given; keep no capability either way."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    drop_capabilities()


def _keep_only(fds: Sequence[int]) -> None:
    """Leave both output streams on one pipe, requests and replies on 3 and 4, nothing else of what was open.

    Standard input becomes an open file of this process alone: one that children shared would have flags to talk by.
    """
    requests, replies, output = fds
    null = os.open(os.devnull, os.O_RDONLY)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, _ABOVE_FIXED_FDS) for fd in (null, output, output, requests, replies)]
    for fixed, fd in enumerate(high):
        os.dup2(fd, fixed)
    os.closerange(5, MAX_OPEN_FILES)


def _limit(which: int, value: int) -> None:
    """Set a limit for good; a lower one that we run under already stays."""
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))
