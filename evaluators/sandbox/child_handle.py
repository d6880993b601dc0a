"""One child as the worker holds it: its pipes, its guard, its end."""

from __future__ import annotations

import os
import select
import signal

from evaluators.candidate import CandidateFailure
from evaluators.contract import Limits, Outcome
from evaluators.sandbox.watchdog import Guard, watchdog
from evaluators.sandbox.zygote_process import ChildProcess, Ending, ZygoteError, ZygoteProcess

DEATH_GRACE_S = 0.5  # between a closed pipe and the death that explains it


class ChildHandle:
    """A forked child; whoever holds it must call `end`."""

    def __init__(self, zygote: ZygoteProcess, child: ChildProcess, limits: Limits, *, second_try: bool = False) -> None:
        self.requests = child.requests
        self.replies = child.replies
        self.guard = Guard(
            child.pid,
            child.pidfd,
            child.output,
            cpu_s=limits.cpu_s,
            resident_bytes=zygote.resident_bytes + limits.memory_bytes,
        )
        self.leftovers = False  # known after the end: bytes that nobody asked for lay in the reply pipe
        self._zygote = zygote
        self._child = child
        self._cpu_limit_s = limits.cpu_s
        self._second_try = second_try
        self._cpu_s = 0.0
        self._ending: Ending | None = None
        watchdog().watch(self.guard, child.output)

    def cpu_s(self) -> float:
        """CPU seconds so far; final once the child ended."""
        if self._ending is None:
            try:
                self._cpu_s = self.guard.cpu_used_s()
            except OSError:
                return self._cpu_s  # it just died; `end` learns the rest
        return self._cpu_s

    def tail(self, max_chars: int) -> str:
        """The end of what it printed, made harmless."""
        if self._ending is None:
            watchdog().catch_up(self._child.output)
        return self.guard.tail(max_chars)

    def end(self) -> Ending:
        """Kill and reap it; harmless when that happened already.

        Raises:
            ZygoteError: The zygote cannot say how it ended; it is killed all the same.
        """
        if self._ending is not None:
            return self._ending
        self.guard.kill()
        self._ending = Ending(wait_status=signal.SIGKILL, cpu_s=self.cpu_s())
        try:
            self._ending = self._zygote.reap(self._child.zygote_pid)
            self._cpu_s = self._ending.cpu_s
        finally:
            watchdog().release(self._child.output)
            self.leftovers = _holds_bytes(self.replies)
            self._child.close()
        return self._ending

    def post_mortem(self) -> CandidateFailure:
        """Why its pipe closed; decided from the kernel's account and our own kills only."""
        died = bool(select.select([self._child.pidfd], [], [], DEATH_GRACE_S)[0])
        try:
            ending = self.end()
        except ZygoteError as error:
            return CandidateFailure(Outcome.INFRASTRUCTURE, str(error))
        if self.guard.verdict is not None:
            return self.guard.verdict
        if not died:
            return CandidateFailure(Outcome.CRASHED, "closed its pipes")
        if ending.cpu_s >= self._cpu_limit_s:
            return CandidateFailure(Outcome.TIMED_OUT, f"used more than {self._cpu_limit_s:.3g} s of CPU time")
        return _by_wait_status(ending.wait_status, second_try=self._second_try)


def _by_wait_status(status: int, *, second_try: bool) -> CandidateFailure:
    if os.WIFEXITED(status):
        return CandidateFailure(Outcome.CRASHED, f"exited with status {os.WEXITSTATUS(status)} before it answered")
    number = os.WTERMSIG(status)
    if number == signal.SIGSYS:
        return CandidateFailure(Outcome.TAMPERED, "used a system call interface that no honest program uses")
    if number == signal.SIGKILL and not second_try:  # not by us: the kernel or an operator
        return CandidateFailure(Outcome.INFRASTRUCTURE, "was killed from outside; is the machine short of memory?")
    return CandidateFailure(Outcome.CRASHED, f"died of {_signal_name(number)} before it answered")


def _signal_name(number: int) -> str:
    """Real-time signals have no names but the first and the last."""
    known = {int(entry): entry.name for entry in signal.Signals}
    return known.get(number, f"signal {number}")


def _holds_bytes(fd: int) -> bool:
    """Whether a pipe whose writers are gone still holds bytes."""
    os.set_blocking(fd, False)
    try:
        return bool(os.read(fd, 1))
    except BlockingIOError:
        return False
