"""One scored table: the program orders its rows and the cells of each, and the engine counts what the cache has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluators.candidate import Argument, Candidate, CandidateFailure, ReplyField
from evaluators.contract import FLOOR, InstanceResult, Outcome
from evaluators.problem import ClockPolicy
from evaluators.scheduling.table_reorder.bound import most_found
from evaluators.scheduling.table_reorder.cache import Cache, found_tokens
from evaluators.scheduling.table_reorder.prefixes import shared_with_any, shared_with_previous, write_prompts
from evaluators.scheduling.table_reorder.table import Ints, Plan, Table, as_it_is

LEAST_SPAN = 0.05  # of all tokens: a table with nearly nothing to gain is not blown up to the whole score


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """A table and a cache, with the anchors of the score; see `make_scenario`."""

    name: str
    regime: str
    table: Table
    cache: Cache
    candidate_seed: int
    weak: int  # tokens found if the table is served as it is
    bound: int  # proven: tokens that no plan exceeds

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Serve the table as a fresh program says."""
        del clock  # no time is charged
        plan = self.ask(candidate)
        prompts = write_prompts(self.table, plan)
        found_N = found_tokens(prompts, self.cache)
        found = int(found_N.sum())
        return InstanceResult(
            name=self.name,
            regime=self.regime,
            outcome=Outcome.SCORED,
            score=self.score(found),
            metrics={
                "hit_rate": 100 * found / self.table.tokens,
                "hit_over_bound": found / self.bound if self.bound else 1.0,
                "bound_rate": 100 * self.bound / self.table.tokens,
                "hit_previous": 100 * shared_with_previous(prompts) / self.table.tokens,
                "hit_any": 100 * shared_with_any(prompts) / self.table.tokens,
                "cold": 100 * float((found_N == 0).mean()),
                "orders": 100 * len(np.unique(plan.columns_NC, axis=0)) / self.table.num_rows,
            },
        )

    def ask(self, candidate: Candidate) -> Plan:
        """The program's plan.

        Raises:
            CandidateFailure: The program failed, or its answer leaves out a row or a cell (`Outcome.INVALID`).
        """
        size = self.table.num_rows, self.table.num_columns
        fields = (
            ReplyField(name="rows", dtype="int64", shape=size[:1]),
            ReplyField(name="columns", dtype="int64", shape=size),
        )
        arrays = candidate.function("reorder", [self._view()], fields).arrays
        return read_plan(np.asarray(arrays["rows"], dtype=np.int64), np.asarray(arrays["columns"], dtype=np.int64))

    def score(self, found: int) -> float:
        """0 for the table as it is, 1 at the bound (less where the two are nearly one), at least -1."""
        span = max(self.bound - self.weak, LEAST_SPAN * self.table.tokens)
        return max(FLOOR, (found - self.weak) / span)

    def _view(self) -> Mapping[str, Argument]:
        return {
            "values": self.table.values_NC.copy(),
            "lengths": self.table.lengths_NC.copy(),
            "block": self.cache.block,
            "capacity": self.cache.capacity,
            "in_flight": self.cache.in_flight,
            "seed": self.candidate_seed,
        }


def make_scenario(name: str, regime: str, table: Table, cache: Cache, *, candidate_seed: int = 0) -> Scenario:
    """The scenario with its anchors computed."""
    return Scenario(
        name=name,
        regime=regime,
        table=table,
        cache=cache,
        candidate_seed=candidate_seed,
        weak=int(found_tokens(write_prompts(table, as_it_is(table)), cache).sum()),
        bound=most_found(table, cache.block, cache.in_flight),
    )


def read_plan(rows_N: Ints, columns_NC: Ints) -> Plan:
    """The program's answer, checked.

    Raises:
        CandidateFailure: `INVALID`: a row is missing or doubled, or a cell of one is.
    """
    _require_permutation(rows_N, "rows", "row")
    columns = columns_NC.shape[1]
    wrong = np.flatnonzero((np.sort(columns_NC, axis=1) != np.arange(columns)).any(axis=1))
    if len(wrong):
        _require_permutation(columns_NC[wrong[0]], f"columns of row {wrong[0]}", "column")
    return Plan(rows_N, columns_NC)


def _require_permutation(order: Ints, where: str, what: str) -> None:
    count = len(order)
    if outside := order[(order < 0) | (order >= count)].tolist():
        raise _invalid(where, f"numbers from 0 to {count - 1}", str(outside[0]))
    times = np.bincount(order, minlength=count)
    if (times > 1).any():
        doubled, missing = int(times.argmax()), int(times.argmin())
        raise _invalid(
            where, f"every {what} once", f"{what} {doubled} {times[doubled]} times, and {what} {missing} never"
        )


def _invalid(where: str, expected: str, found: str) -> CandidateFailure:
    return CandidateFailure(Outcome.INVALID, f"{where}: expected {expected}, found {found}")
