"""Copies the runs of one archive into another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, insert, select

from archive.database import insert_into
from archive.mapping import Values
from archive.records import RunStatus
from archive.schema import (
    archive_meta,
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
from evaluators.contract import Split

_BATCH = 500
_OF_RUNS = (founders, attempts, replies, bandit_states)  # keyed by run: new where the run is new
_SHARED = (candidates, embeddings, environments, tasks, leagues)  # keyed by content: the same row wherever it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came over."""

    runs: int
    known_runs: int  # there already, and left as they were
    evaluations: int
    holdout_left_behind: int  # evaluations on the other archive's hold-out, which is not this one's
    notes: int


def merge(target: Archive, source: Archive) -> Merged:
    """Copies every run that `target` lacks, with all that belongs to it, in one transaction.

    Two archives have different hold-out instances unless one began as a copy of the other, so hold-out scores stay
    behind; `evolve evaluate` makes them anew. A run that was being driven arrives as interrupted.
    """
    with source.reading() as old, target.writing() as new:
        known = set(new.execute(select(runs.c.id)).scalars())
        found = list(old.execute(select(runs.c.id)).scalars())
        wanted = [run_id for run_id in found if run_id not in known]
        for table in _SHARED:
            _insert(new, table, _rows(old, table), ignore=True)
        _insert(new, runs, (_arrived(row) for row in _rows(old, runs, runs.c.id.in_(wanted))))
        for table in _OF_RUNS:
            _insert(new, table, _rows(old, table, table.c.run_id.in_(wanted)))
        same_holdout = _holdout_secret(old) == _holdout_secret(new)
        copied, left = _copy_evaluations(old, new, set(wanted), same_holdout=same_holdout)
        num_notes = _copy_notes(old, new, set(wanted))
    return Merged(
        runs=len(wanted),
        known_runs=len(found) - len(wanted),
        evaluations=copied,
        holdout_left_behind=left,
        notes=num_notes,
    )


def _copy_evaluations(old: Connection, new: Connection, wanted: set[str], *, same_holdout: bool) -> tuple[int, int]:
    """How many evaluations were copied, and how many hold-out ones were not. They get numbers of their own here."""
    copied = left = 0
    for row in _rows(old, evaluations):
        if row["split"] == Split.HOLDOUT.value and not same_holdout:
            left += 1
            continue
        number = row.pop("id")
        if row["run_id"] not in wanted:  # paid by hand, or by a run that is here already
            row |= {"run_id": None, "attempt_index": None}
        add = insert_into(evaluations, new.dialect.name).on_conflict_do_nothing().returning(evaluations.c.id)
        if row["key_digest"] is None and row["run_id"] is None:
            continue  # an infrastructure failure of somebody else says nothing here
        new_number = new.execute(add, row).scalar()
        if new_number is None:
            continue
        copied += 1
        parts = _rows(old, instances, instances.c.evaluation_id == number)
        _insert(new, instances, (part | {"evaluation_id": new_number} for part in parts))
    return copied, left


def _copy_notes(old: Connection, new: Connection, wanted: set[str]) -> int:
    """Remarks on the new runs, and those on programs that are not here yet."""
    known = {_said(row) for row in _rows(new, notes)}
    found = [row for row in _rows(old, notes) if row["run_id"] in wanted or row["run_id"] is None]
    fresh = [row for row in found if _said(row) not in known]
    for row in fresh:
        del row["id"]
    _insert(new, notes, fresh)
    return len(fresh)


def _said(row: Values) -> tuple[object, ...]:
    return tuple(row[name] for name in ("kind", "run_id", "candidate_id", "text", "created_at"))


def _arrived(row: Values) -> Values:
    status = RunStatus.INTERRUPTED.value if row["status"] == RunStatus.RUNNING.value else row["status"]
    return row | {"status": status, "lease_owner": None, "lease_expires_at": None, "stop_requested": False}


def _holdout_secret(connection: Connection) -> str:
    return str(connection.execute(select(archive_meta.c.holdout_secret)).scalar_one())


def _rows(connection: Connection, table: Table, condition: ColumnElement[bool] | None = None) -> Iterator[Values]:
    wanted = select(table) if condition is None else select(table).where(condition)
    for row in connection.execute(wanted):
        yield dict(row._mapping)


def _insert(connection: Connection, table: Table, rows: Iterable[Values], *, ignore: bool = False) -> None:
    add: Any = insert_into(table, connection.dialect.name).on_conflict_do_nothing() if ignore else insert(table)
    for batch in _batches(rows):
        connection.execute(add, batch)


def _batches(rows: Iterable[Values]) -> Iterator[Sequence[Values]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
