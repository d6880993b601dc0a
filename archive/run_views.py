"""What a viewer asks of a run, in pages and sums: the cost of a question does not grow with what is not shown.

A program's search score here is that of the quick tier on the run's search instances, whoever paid for it, unless the
run itself stopped it: the score that the search goes by (`evolve.run.stages`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, select

from archive.mapping import AnyRow, Values, attempt_of
from archive.records import Attempt, AttemptState, Run
from archive.run_scope import OF_RUN, scope_of
from archive.schema import attempts, evaluations, founders
from archive.store import Archive
from archive.twins import twins_of
from evaluators.contract import Outcome, Split, Tier

PAGE = 5_000  # attempts per query of `told_after`
_ONE_QUERY = 500  # ids per IN list

_ATTEMPTS_OF_RUN = attempts.c.run_id == bindparam("this_run")
_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_TOLD = (
    select(attempts)
    .where(_ATTEMPTS_OF_RUN, attempts.c.tell_order > bindparam("after"))
    .order_by(attempts.c.tell_order)
    .limit(bindparam("page"))
    .subquery("told")
)
_TOLD_AFTER = (
    select(_TOLD, evaluations.c.outcome, evaluations.c.objective, evaluations.c.tier)
    .select_from(
        _TOLD.outerjoin(
            evaluations,
            and_(
                _TOLD.c.state == AttemptState.RECORDED.value,
                evaluations.c.candidate_id == func.coalesce(_TOLD.c.neighbour_id, _TOLD.c.candidate_id),
                OF_RUN,
            ),
        )
    )
    .order_by(_TOLD.c.tell_order, evaluations.c.id)
)
_SCORES = (
    select(evaluations.c.candidate_id, evaluations.c.outcome, evaluations.c.objective, evaluations.c.tier)
    .where(evaluations.c.candidate_id.in_(_IDS), OF_RUN)
    .order_by(evaluations.c.id)
)
_FOUNDERS = (
    select(founders.c.name, founders.c.role, founders.c.candidate_id)
    .where(founders.c.run_id == bindparam("this_run"))
    .order_by(founders.c.ordinal)
)
_IN_FLIGHT = (  # `tell_order IS NULL` is a range of the index; the state alone is not
    select(attempts.c.state, func.count().label("num"))
    .where(_ATTEMPTS_OF_RUN, attempts.c.tell_order.is_(None))
    .group_by(attempts.c.state)
)
_REJECTED = (
    select(attempts)
    .where(_ATTEMPTS_OF_RUN, attempts.c.tell_order >= 0, attempts.c.state == AttemptState.REJECTED.value)
    .order_by(attempts.c.tell_order.desc())
    .limit(bindparam("page"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a program did on the search instances."""

    outcome: str  # of its own evaluation
    objective: float | None
    twin_id: str | None = None  # the earlier candidate that it behaves like, whose score this is


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An attempt that ended, with its score."""

    tell_order: int
    index: int
    island: int
    proposer: str
    operator: str
    candidate_id: str | None
    told_at: str
    outcome: str  # "rejected", "twin", an outcome, or "unknown" where the evaluation is not archived
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FounderScore:
    """A program that the run started with."""

    name: str
    role: str
    candidate_id: str
    score: float | None


def told_after(archive: Archive, run: Run | str, after: int = -1) -> Iterator[list[Told]]:
    """The attempts told later than tell `after`, in pages, each read when it is asked for."""
    run_id = run if isinstance(run, str) else run.id
    while True:
        with archive.reading() as connection:
            scope = scope_of(connection, run_id, Split.SEARCH)
            rows = connection.execute(_TOLD_AFTER, scope | {"after": after, "page": PAGE}).all()
        page = _told(rows)
        if page:
            yield page
            after = page[-1].tell_order
        if len(page) < PAGE:
            return


def search_scores(archive: Archive, run_id: str, ids: Sequence[str]) -> dict[str, Score]:
    """How these programs did on the run's search instances; those never evaluated there are left out."""
    found: dict[str, Score] = {}
    wanted = list(dict.fromkeys(ids))
    with archive.reading() as connection:
        scope = scope_of(connection, run_id, Split.SEARCH)
        for start in range(0, len(wanted), _ONE_QUERY):
            part = wanted[start : start + _ONE_QUERY]
            twins = twins_of(connection, run_id, part)
            scores = _own_scores(connection, scope, [*part, *twins.values()])
            for candidate_id in part:
                score, twin_id = scores.get(candidate_id), twins.get(candidate_id)
                if score is not None and twin_id in scores:
                    score = replace(score, objective=scores[twin_id].objective, twin_id=twin_id)
                if score is not None:
                    found[candidate_id] = score
    return found


def founder_scores(archive: Archive, run_id: str) -> list[FounderScore]:
    """The programs the run started with, in order, with their search scores."""
    with archive.reading() as connection:
        rows = connection.execute(_FOUNDERS, {"this_run": run_id}).all()
    scores = search_scores(archive, run_id, [row.candidate_id for row in rows])
    return [
        FounderScore(
            name=row.name,
            role=row.role,
            candidate_id=row.candidate_id,
            score=scores[row.candidate_id].objective if row.candidate_id in scores else None,
        )
        for row in rows
    ]


def in_flight(archive: Archive, run_id: str) -> dict[str, int]:
    """How many attempts that have not ended are in each state."""
    with archive.reading() as connection:
        return {row.state: row.num for row in connection.execute(_IN_FLIGHT, {"this_run": run_id})}


def rejections(archive: Archive, run_id: str, max_rows: int = 50) -> list[Attempt]:
    """The attempts stopped before evaluation, newest first."""
    with archive.reading() as connection:
        return [attempt_of(row) for row in connection.execute(_REJECTED, {"this_run": run_id, "page": max_rows})]


def _own_scores(connection: Connection, scope: Values, ids: Sequence[str]) -> dict[str, Score]:
    """The quick scores of programs, or how they ended before."""
    found: dict[str, Score] = {}
    for row in connection.execute(_SCORES, scope | {"ids": ids}):
        known = found.get(row.candidate_id)
        if known is None or _replaces(row.tier, known.outcome):
            found[row.candidate_id] = Score(outcome=row.outcome, objective=_quick_score(row.tier, row.objective))
    return found


def _told(rows: Sequence[AnyRow]) -> list[Told]:
    """One per attempt: rows of the same attempt are its evaluations."""
    found: dict[int, Told] = {}
    for row in rows:
        known = found.get(row.tell_order)
        if known is not None and not _replaces(row.tier, known.outcome):
            continue
        found[row.tell_order] = Told(
            tell_order=row.tell_order,
            index=row.attempt_index,
            island=row.island,
            proposer=row.proposer,
            operator=row.operator,
            candidate_id=row.candidate_id,
            told_at=row.told_at,
            outcome=_ending(row),
            score=_quick_score(row.tier, row.objective),
        )
    return list(found.values())


def _replaces(tier: str | None, known_outcome: str) -> bool:
    """Whether a later row says how a program ended: a quick one does, unless the run had stopped the program."""
    return tier == Tier.QUICK and known_outcome != Outcome.STOPPED


def _ending(row: AnyRow) -> str:
    """How an attempt ended, from its row with one of its evaluations."""
    if row.state == AttemptState.REJECTED.value:
        return "rejected"
    return "twin" if row.neighbour_id is not None else row.outcome or "unknown"


def _quick_score(tier: str | None, objective: float | None) -> float | None:
    """The objective of a quick evaluation; smoke scores say nothing."""
    return objective if tier == Tier.QUICK else None
