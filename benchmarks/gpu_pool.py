"""Tasks in several processes at a time: one that hangs or dies costs its own result, and says so. No torch.

Kernels that nobody has run yet may do either; the pools of the standard library would give up every other result too.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

STARTING_S = 120.0  # of a process: torch from a cold disk, many at a time
ENDING_S = 5.0  # that a killed process is waited for: with a kernel in flight it may take its time

Work = Callable[..., Any]
Task = tuple[Any, ...]


class _Seat:
    """A process that does one task after the other."""

    def __init__(self, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()
        self.place: int | None = None  # of its task; None until it has said that it is there
        self.until_s = time.monotonic() + STARTING_S

    def give(self, place: int, task: Task, limit_s: float) -> None:
        """Have it do a task."""
        self.pipe.send(task)
        self.place, self.until_s = place, time.monotonic() + limit_s

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.join(ENDING_S)
        self.pipe.close()


class _Pool:
    def __init__(self, processes: int, work: Work, tasks: Sequence[Task], limit_s: float) -> None:
        self.results: list[Any] = [None] * len(tasks)
        self._processes, self._work, self._tasks, self._limit_s = processes, work, tasks, limit_s
        self._waiting = deque(range(len(tasks)))
        self._seats: list[_Seat] = []

    def run(self) -> None:
        """Until every task has its result."""
        try:
            while self._filled():
                first_s = min(seat.until_s for seat in self._seats) - time.monotonic()
                heard = wait([seat.pipe for seat in self._seats], max(0.0, first_s))
                late_s = time.monotonic()
                for seat in [seat for seat in self._seats if seat.pipe in heard or seat.until_s <= late_s]:
                    self._attend(seat, spoke=seat.pipe in heard)
        finally:
            for seat in self._seats:
                seat.end()

    def _filled(self) -> bool:
        """Whether there is anybody to wait for, once there are as many processes as tasks can use."""
        starting = sum(seat.place is None for seat in self._seats)
        useful = min(self._processes - len(self._seats), len(self._waiting) - starting)
        self._seats += [_Seat(self._work) for _ in range(useful)]
        return bool(self._seats)

    def _attend(self, seat: _Seat, *, spoke: bool) -> None:
        """Take what a process has to say, or note that it says nothing more, and give it the next task."""
        found, is_lost = self._heard(seat) if spoke else (f"hangs: nothing came within {self._limit_s:.0f} s", True)
        if seat.place is not None:
            self.results[seat.place] = found
        elif is_lost:
            raise RuntimeError(f"a process for {len(self._tasks)} tasks does not come up: {found}")
        if is_lost or not self._waiting:
            self._seats.remove(seat)
            seat.end()
        else:
            place = self._waiting.popleft()
            seat.give(place, self._tasks[place], self._limit_s)

    @staticmethod
    def _heard(seat: _Seat) -> tuple[Any, bool]:
        try:
            return seat.pipe.recv(), False
        except (EOFError, ConnectionResetError):
            seat.process.join(ENDING_S)
            return f"its process died with exit status {seat.process.exitcode}", True


def in_processes(processes: int, work: Work, tasks: Sequence[Task], limit_s: float) -> list[Any]:
    """What `work` makes of each task; a sentence where that took longer than `limit_s`, or its process died.

    Raises:
        RuntimeError: A process does not come up, so that nothing can be done.
    """
    pool = _Pool(processes, work, tasks, limit_s)
    pool.run()
    return pool.results


def _serve(pipe: Connection, work: Work) -> None:
    """Do tasks until the other end closes."""
    pipe.send("here")
    while True:
        try:
            task: Task = pipe.recv()
        except EOFError:
            return
        pipe.send(work(*task))
