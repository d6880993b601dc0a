"""Removes runs from an archive, and whatever nobody else needs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, exists, func, or_, select, text, update

from archive.errors import ConflictError, UnknownRecordError
from archive.schema import (
    attempts,
    bandit_states,
    candidates,
    embeddings,
    environments,
    evaluations,
    founders,
    instances,
    leagues,
    notes,
    replies,
    runs,
    tasks,
)
from archive.store import Archive

_OF_RUN = (notes, bandit_states, replies, founders)
_NAMES_OF_PROGRAMS: tuple[Column[str], ...] = (
    founders.c.candidate_id,
    attempts.c.candidate_id,
    attempts.c.parent_id,
    attempts.c.neighbour_id,
    notes.c.candidate_id,
)
_NOT_INDEXED = (attempts.c.candidate_id, attempts.c.parent_id, attempts.c.neighbour_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What is gone."""

    runs: int
    attempts: int
    evaluations: int
    candidates: int


def prune(archive: Archive, run_ids: Sequence[str], now: float | None = None) -> Pruned:
    """Removes these runs in one transaction, with the programs and evaluations that no other run, note or hand uses.

    Args:
        archive: An open archive.
        run_ids: In full.
        now: Unix seconds; a lease that ran out by then is that of a driver that was killed. None: the clock's.

    Raises:
        UnknownRecordError: There is no such run.
        ConflictError: It is being driven.
    """
    with archive.writing() as connection:
        _wait_for_others(connection)
        _require_idle(connection, run_ids, time.time() if now is None else now)
        before = [_count(connection, table) for table in (attempts, evaluations, candidates)]
        connection.execute(update(evaluations).where(evaluations.c.run_id.in_(run_ids)).values(attempt_index=None))
        for table in (*_OF_RUN, attempts):
            connection.execute(delete(table).where(table.c.run_id.in_(run_ids)))
        with _found_by_candidate(connection):
            _drop_evaluations(connection, run_ids)
            _drop_candidates(connection)
        connection.execute(delete(runs).where(runs.c.id.in_(run_ids)))
        for shared, column in ((leagues, evaluations.c.league), (environments, evaluations.c.environment)):
            connection.execute(delete(shared).where(~exists().where(column == shared.c.digest)))
        connection.execute(delete(tasks).where(~exists().where(leagues.c.task_identity == tasks.c.task_identity)))
        after = [_count(connection, table) for table in (attempts, evaluations, candidates)]
    gone = [was - left for was, left in zip(before, after, strict=True)]
    archive.compact()
    return Pruned(runs=len(run_ids), attempts=gone[0], evaluations=gone[1], candidates=gone[2])


def _wait_for_others(connection: Connection) -> None:
    """Until nobody else prunes: on PostgreSQL two that index one table would wait for each other."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {attempts.name} IN SHARE ROW EXCLUSIVE MODE"))


def _drop_evaluations(connection: Connection, run_ids: Sequence[str]) -> None:
    """Those the runs paid for: deleted with their program, or nobody's from now on where it is needed elsewhere.

    What was not finished goes in any case: it says nothing to another run.
    """
    paid = evaluations.c.run_id.in_(run_ids)
    named = select(candidates.c.id).where(_is_named())
    unneeded = paid & or_(evaluations.c.candidate_id.not_in(named), evaluations.c.key_digest.is_(None))
    doomed = select(evaluations.c.id).where(unneeded)
    connection.execute(delete(instances).where(instances.c.evaluation_id.in_(doomed)))
    connection.execute(delete(evaluations).where(unneeded))
    connection.execute(update(evaluations).where(paid).values(run_id=None))


def _drop_candidates(connection: Connection) -> None:
    """Those that nothing uses."""
    kept = or_(_is_named(), exists().where(evaluations.c.candidate_id == candidates.c.id))
    unused = select(candidates.c.id).where(~kept)
    connection.execute(delete(embeddings).where(embeddings.c.candidate_id.in_(unused)))
    connection.execute(delete(candidates).where(~kept))


@contextmanager
def _found_by_candidate(connection: Connection) -> Iterator[None]:
    """Attempts with an index by each column that names a program, which only pruning looks them up by.

    Whether a program is named is asked once per program here, and once more by the foreign keys where it is deleted.
    The indexes come and go with the transaction: kept, each attempt of a run would pay for them.
    """
    made = {f"pruning_{column.table.name}_{column.name}": column for column in _NOT_INDEXED}
    for name, column in made.items():
        connection.execute(text(f"CREATE INDEX {name} ON {column.table.name} ({column.name})"))
    yield
    for name in made:
        connection.execute(text(f"DROP INDEX {name}"))


def _is_named() -> ColumnElement[bool]:
    """Whether a run or a note names a candidate."""
    return or_(*(exists().where(column == candidates.c.id) for column in _NAMES_OF_PROGRAMS))


def _require_idle(connection: Connection, run_ids: Sequence[str], now: float) -> None:
    found = {row.id: row for row in connection.execute(select(runs).where(runs.c.id.in_(run_ids)))}
    for run_id in run_ids:
        if run_id not in found:
            raise UnknownRecordError(f"expected the id of an archived run, found {run_id!r}; `evolve runs` lists them")
        expires_at = found[run_id].lease_expires_at
        if expires_at is not None and expires_at > now:
            raise ConflictError(f"run {run_id} is running; end it with `evolve stop {run_id}` before it is removed")


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
