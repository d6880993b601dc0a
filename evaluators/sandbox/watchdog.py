"""One thread for all children of this process: deadlines, CPU, memory, and the output nobody reads."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from functools import cache

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.sandbox.plain_text import plain_text

MAX_OUTPUT_BYTES = 64 << 20  # stdout and stderr together; more is a flood
TAIL_BYTES = 4096  # kept of it
TICK_S = 0.02
_DRAIN_BYTES = 1 << 18
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Guard:
    """What the watchdog knows about one child, and its verdict once it killed it."""

    def __init__(self, pid: int, pidfd: int, output: int, *, cpu_s: float, resident_bytes: int) -> None:
        self.pid = pid
        self.verdict: CandidateFailure | None = None
        self._pidfd = pidfd
        self._output = output
        self._cpu_s = cpu_s
        self._resident_bytes = resident_bytes
        self._deadline: float | None = None  # monotonic; set while a call runs
        self._budget_s = 0.0
        self._tail = b""
        self._num_output_bytes = 0

    def arm(self, budget_s: float) -> None:
        """Kill the child unless `disarm` is called within `budget_s`."""
        self._budget_s = budget_s
        self._deadline = time.monotonic() + budget_s

    def disarm(self) -> None:
        """The call ended."""
        self._deadline = None

    def cpu_used_s(self) -> float:
        """CPU seconds of the child, all its threads, from the kernel.

        Raises:
            OSError: The child is gone.
        """
        return time.clock_gettime((~self.pid << 3) | 2)

    def check(self, now: float) -> None:
        """Kill the child if a call of it is over a limit."""
        deadline = self._deadline
        if deadline is None or self.verdict is not None:
            return
        try:
            if now > deadline:
                self.condemn(Outcome.TIMED_OUT, f"no answer within {self._budget_s:.3g} s of wall time")
            elif self.cpu_used_s() > self._cpu_s:
                self.condemn(Outcome.TIMED_OUT, f"used more than {self._cpu_s:.3g} s of CPU time")
            elif self._resident_now() > self._resident_bytes:
                self.condemn(Outcome.OUT_OF_MEMORY, "holds more memory than allowed")
        except OSError:
            return  # it is gone; whoever waits for its answer sees the pipe close

    def condemn(self, outcome: Outcome, detail: str) -> None:
        """Record why, then kill the child."""
        self.verdict = CandidateFailure(outcome, detail)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, harmless when the child is gone already."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return

    def drain(self) -> bool:
        """Read the output that is there; False when there will be no more."""
        try:
            data = os.read(self._output, _DRAIN_BYTES)
        except BlockingIOError:
            return True
        self._tail = (self._tail + data)[-TAIL_BYTES:]
        self._num_output_bytes += len(data)
        if self._num_output_bytes > MAX_OUTPUT_BYTES and self.verdict is None:
            self.condemn(Outcome.INVALID, f"printed more than {MAX_OUTPUT_BYTES >> 20} MB")
        return bool(data)

    def tail(self, max_chars: int) -> str:
        """The end of what the child printed, made harmless."""
        return plain_text(self._tail, max_chars)

    def _resident_now(self) -> int:
        with open(f"/proc/{self.pid}/statm", "rb", buffering=0) as statm:
            return int(statm.read().split()[1]) * _PAGE_BYTES


class Watchdog:
    """The thread; it sleeps without a timeout while there are no children."""

    def __init__(self) -> None:
        self._guards: dict[int, Guard] = {}  # by output file descriptor
        self._lock = threading.Lock()
        self._epoll = select.epoll()
        self._wake_up = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake_up, select.EPOLLIN)
        threading.Thread(target=self._run, name="sandbox-watchdog", daemon=True).start()

    def watch(self, guard: Guard, output: int) -> None:
        """Take charge of a child; `output` must not block."""
        with self._lock:
            was_idle = not self._guards
            self._guards[output] = guard
            self._epoll.register(output, select.EPOLLIN)
        if was_idle:
            os.eventfd_write(self._wake_up, 1)

    def release(self, output: int) -> None:
        """Forget a dead child, after reading the last of its output."""
        with self._lock:
            guard = self._guards.pop(output)
            if guard.drain():
                guard.drain()
            self._unregister(output)

    def catch_up(self, output: int) -> None:
        """Read the output that a living child has printed so far."""
        with self._lock:
            self._guards[output].drain()

    def _run(self) -> None:
        while True:
            events = self._epoll.poll(TICK_S if self._guards else -1)
            with self._lock:
                for fd, _ in events:
                    self._attend(fd)
                now = time.monotonic()
                for guard in self._guards.values():
                    guard.check(now)

    def _attend(self, fd: int) -> None:
        if fd == self._wake_up:
            os.eventfd_read(fd)
        elif fd in self._guards and not self._guards[fd].drain():
            self._unregister(fd)

    def _unregister(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except FileNotFoundError:
            return  # its output ended before


@cache
def watchdog() -> Watchdog:
    """The watchdog of this process; a fork of the process has none and must not use the parent's sandboxes."""
    return Watchdog()
