"""How a job is chosen from an offer: by the program in the sandbox, or by the trusted first-in-first-out rule."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import numpy as np

from evaluators.candidate import Argument, Candidate, CandidateFailure, Reply, ReplyField
from evaluators.contract import Outcome
from evaluators.scheduling.job_shop.schedule import Offer, Progress

NO_MACHINE = -1
COLUMNS = (
    "job",
    "duration",
    "start",
    "arrival",
    "ops_left",
    "work_left",
    "work_done",
    "next_duration",
    "next_machine",
    "next_queue",
    "next_load",
    "next_free",
    "from_machine",
)
WHOLE = frozenset({"job", "ops_left", "next_machine", "from_machine"})  # int64; the others are times, float64


class Builder(StrEnum):
    """Which of the jobs on offer may be taken."""

    OPEN = "open"  # those within the program's delay window, 0 unless it says one
    NON_DELAY = "non_delay"  # those that can start first; the others are not shown
    GIFFLER_THOMPSON = "giffler_thompson"  # all


def startable(offer: Offer, delay: float) -> list[int]:
    """The places of the jobs that start within `delay`, 0 to 1, of the way from the first start to the first end."""
    latest = offer.earliest + delay * (offer.cutoff - offer.earliest)
    return [place for place, start in enumerate(offer.starts) if start <= latest]


def first_in_first_out(offer: Offer, progress: Progress) -> int:
    """Of the jobs that can start first, the one that was done elsewhere first; the lowest of equals."""
    del progress
    return min(startable(offer, 0.0), key=lambda place: offer.arrivals[place])


class ProgramChooser:
    """Asks the program's `priority`; one per scenario."""

    def __init__(self, candidate: Candidate, builder: Builder) -> None:
        self._candidate = candidate
        self._builder = builder
        self.num_decisions = 0
        self.num_delays = 0  # decisions to wait, or for a job that could not start first

    def choose(self, offer: Offer, progress: Progress) -> int | None:
        """The place of the job with the lowest priority among those that may be taken; the lowest job of equals.

        None where the machine may wait and the program wants that.

        Raises:
            CandidateFailure: The program failed, or its delay is not from 0 to 1.
        """
        shown = startable(offer, 0.0 if self._builder is Builder.NON_DELAY else 1.0)
        if len(shown) == 1 and not offer.may_wait:
            return shown[0]
        reply = self._candidate.method("priority", _arguments(offer, shown, progress), _fields(len(shown)))
        self.num_decisions += 1
        if offer.may_wait and reply.arrays.get("wait", False):
            self.num_delays += 1
            return None
        window = set(startable(offer, self._delay(reply)))
        priorities = reply.arrays["priority"].tolist()
        _, chosen = min((value, place) for value, place in zip(priorities, shown, strict=True) if place in window)
        self.num_delays += offer.starts[chosen] > offer.earliest
        return chosen

    def _delay(self, reply: Reply) -> float:
        if self._builder is not Builder.OPEN:
            return 1.0  # what is shown may be taken
        if "delay" not in reply.arrays:
            return 0.0
        delay = float(reply.arrays["delay"])
        if not 0 <= delay <= 1:
            raise CandidateFailure(Outcome.INVALID, f"priority: expected a delay from 0 to 1, found {delay:g}")
        return delay


@lru_cache(maxsize=256)
def _fields(num_jobs: int) -> tuple[ReplyField, ...]:
    return (
        ReplyField(name="priority", dtype="float64", shape=(num_jobs,)),
        ReplyField(name="delay", dtype="float64", shape=(), optional=True, default=0.0),
        ReplyField(name="wait", dtype="bool", shape=(), optional=True, default=0),
    )


def _arguments(offer: Offer, shown: Sequence[int], progress: Progress) -> list[Argument]:
    """The columns of the jobs shown, and the state of the machine that asks."""
    rows = [_row(offer, place, progress) for place in shown]
    ops = {
        name: np.array(values, dtype=np.int64 if name in WHOLE else np.float64)
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    }
    state = {
        "machine": offer.machine,
        "earliest": float(offer.earliest),
        "cutoff": float(offer.cutoff),
        "machine_load": float(progress.load_left[offer.machine]),
        "machines_held": progress.machines_held,
        "ops_started": progress.ops_started,
    }
    return [ops, state]


def _row(offer: Offer, place: int, progress: Progress) -> tuple[int, ...]:
    """One job's values, in the order of `COLUMNS`."""
    job = offer.jobs[place]
    op, shop = progress.next_op[job], progress.shop
    duration, head, tail = shop.durations[job][op], shop.heads[job][op], shop.tails[job][op]
    route, num_ops = shop.routes[job], shop.num_machines
    is_last = op + 1 == num_ops
    following = NO_MACHINE if is_last else route[op + 1]
    return (
        job,
        duration,
        offer.starts[place],
        offer.arrivals[place],
        num_ops - op,
        duration + tail,
        head,
        0 if is_last else shop.durations[job][op + 1],
        following,
        0 if is_last else progress.queued_work[following],
        0 if is_last else progress.load_left[following],
        0 if is_last else progress.machine_free[following],
        route[op - 1] if op else NO_MACHINE,
    )
