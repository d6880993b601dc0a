"""One scored batch: the program orders it at once, or as a stream of which it sees the transactions that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.transaction_order.admission import Admission, makespan
from evaluators.scheduling.transaction_order.batch import Batch, Ints
from evaluators.scheduling.transaction_order.bound import makespan_bound

LEAST_SPAN = 0.05  # of the bound: a batch whose arrival order is nearly optimal is not blown up to the whole score


class Kind(StrEnum):
    """How much of the work is known when an order is asked for."""

    BATCH = "batch"  # all of it, once
    STREAM = "stream"  # the next transactions in order of arrival, again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a program sees and decides at a time."""

    kind: Kind
    waiting: int  # transactions that it sees, as long as there are so many
    admit: int  # how many from the front of its order are admitted before it is asked again


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A batch in order of arrival, with its anchors; see `make_scenario`."""

    name: str
    regime: str
    batch: Batch
    window: Window
    candidate_seed: int
    weak: int  # makespan in order of arrival
    bound: int  # proven
    best_known: int | None = None

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Admit the transactions in the order that a fresh program gives."""
        del clock  # no time is charged
        order = self.run(candidate)
        admission = Admission(self.batch)
        for transaction in order:
            admission.admit(transaction)
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(admission.makespan),
            metrics=self._metrics(order, admission),
        )

    def run(self, candidate: Candidate) -> list[int]:
        """The order in which transactions are admitted."""
        candidate.construct("Policy", self.config())
        admission = Admission(self.batch)
        order, waiting, arrived = list[int](), list[int](), 0
        while len(order) < self.batch.size:
            until = min(self.batch.size, arrived + self.window.waiting - len(waiting))
            waiting += range(arrived, until)
            arrived = until
            ranks = self._ask(candidate, admission, waiting, len(order)) if len(waiting) > 1 else [0]
            chosen = [waiting[rank] for rank in ranks[: self.window.admit]]
            for transaction in chosen:
                admission.admit(transaction)
            order += chosen
            waiting = [transaction for transaction in waiting if transaction not in chosen]
        return order

    def score(self, makespan: int) -> float:
        """0 at the order of arrival, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.weak - self.bound, LEAST_SPAN * self.bound)
        return max(FLOOR, (self.weak - makespan) / span)

    def config(self) -> dict[str, Argument]:
        """What `Policy` is made with."""
        return {
            "kind": str(self.window.kind),
            "transactions": self.batch.size,
            "waiting": self.window.waiting,
            "admit": self.window.admit,
            "seed": self.candidate_seed,
        }

    def _ask(self, candidate: Candidate, admission: Admission, waiting: list[int], admitted: int) -> list[int]:
        view = self._view(admission, waiting, admitted)
        field = ReplyField(name="order", dtype="int64", shape=(len(waiting),))
        return read_order(np.asarray(candidate.method("order", [view], [field]).arrays["order"], dtype=np.int64))

    def _view(self, admission: Admission, waiting: list[int], admitted: int) -> Mapping[str, Argument]:
        """Copies of what is known of the waiting transactions; nothing of those that have not arrived but how many."""
        rows, batch = np.asarray(waiting), self.batch
        longest = int(batch.lengths_N[rows].max())  # of these: how long later ones are is not known either
        return {
            "lengths": batch.lengths_N[rows],
            "keys": batch.keys_NM[rows, :longest],
            "writes": batch.writes_NM[rows, :longest],
            "delays": batch.delays_NN[np.ix_(rows, rows)],
            "ready": admission.ready_N[rows],
            "makespan": admission.makespan,
            "admit": min(self.window.admit, len(waiting)),
            "later": batch.size - admitted - len(waiting),
        }

    def _metrics(self, order: list[int], admission: Admission) -> dict[str, float]:
        end = admission.makespan
        starts = admission.starts_N[order]
        moved = np.abs(np.asarray(order) - np.arange(len(order)))
        metrics = {
            "makespan": float(end),
            "makespan_over_bound": end / self.bound,
            "makespan_over_arrival": end / self.weak,
            "in_flight": float(self.batch.lengths_N.sum()) / end,
            "moved": 100 * float(moved.mean()) / len(order),
            "overtaking": 100 * float((starts < np.maximum.accumulate(starts)).mean()),
        }
        if self.best_known is not None:
            metrics["makespan_over_known"] = end / self.best_known
            metrics["known_score"] = self.score(self.best_known)
        return metrics


def make_scenario(
    name: str, regime: str, batch: Batch, window: Window, *, candidate_seed: int = 0, best_known: int | None = None
) -> Scenario:
    """The scenario with its anchors computed."""
    return Scenario(
        name=name,
        regime=regime,
        batch=batch,
        window=window,
        candidate_seed=candidate_seed,
        weak=makespan(batch, range(batch.size)),
        bound=makespan_bound(batch),
        best_known=best_known,
    )


def read_order(order_W: Ints) -> list[int]:
    """The program's answer as a list.

    Raises:
        CandidateFailure: `INVALID`: it is no permutation of the rows that were shown.
    """
    count = len(order_W)
    if outside := order_W[(order_W < 0) | (order_W >= count)].tolist():
        raise _invalid(f"rows from 0 to {count - 1}", f"{outside[0]}")
    times = np.bincount(order_W, minlength=count)
    if (times > 1).any():
        row, missing = int(times.argmax()), int(times.argmin())
        raise _invalid("every row once", f"row {row} {times[row]} times, and row {missing} never")
    return [int(row) for row in order_W]


def _invalid(expected: str, found: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, f"order: expected {expected}, found {found}")
