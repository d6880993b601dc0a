"""Evaluations: found by their key, so that a finished one is never run twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, insert, or_, select, text
from sqlalchemy.sql.dml import ReturningInsert

from archive.database import Database, insert_into
from archive.errors import ConflictError
from archive.evaluation_mapping import evaluation_values, instance_of, instance_values, storable, stored_of
from archive.mapping import AnyRow, Values, key_digest
from archive.records import EvaluationKey, StoredEvaluation
from archive.run_scope import IN_LEAGUE, OF_RUN, OF_RUN_OR_NOBODY, ON_INSTANCES, STOPPED_BY_RUN, scope_of
from archive.schema import PASSED_THE_GATE, attempts, evaluations, founders, instances, leagues
from archive.shared_rows import Circumstances, SharedRows
from evaluators.contract import Evaluation, InstanceResult, Outcome, Split

_BY_KEY = evaluations.c.key_digest == bindparam("key")
_BY_CANDIDATE = evaluations.c.candidate_id == bindparam("candidate")
_PAID_BY_RUN = evaluations.c.run_id == bindparam("this_run")
_CANDIDATES_OF_RUN = (
    select(founders.c.candidate_id)
    .where(founders.c.run_id == bindparam("this_run"))
    .union_all(
        select(attempts.c.candidate_id).where(
            attempts.c.run_id == bindparam("this_run"), attempts.c.candidate_id.is_not(None)
        )
    )
)
OF_PROGRAMS = evaluations.c.candidate_id.in_(_CANDIDATES_OF_RUN)
_USABLE = and_(OF_PROGRAMS, IN_LEAGUE, OF_RUN_OR_NOBODY, or_(ON_INSTANCES, evaluations.c.split == Split.HOLDOUT.value))
_CLASSES = (
    select(leagues.c.environment_class)
    .distinct()
    .join(evaluations, evaluations.c.league == leagues.c.digest)
    .where(evaluations.c.key_digest.is_not(None))
)
_CLASSES_PAID_IN = _CLASSES.where(_PAID_BY_RUN)
_MADE_BY_RUN = select(attempts.c.candidate_id).where(
    attempts.c.run_id == bindparam("this_run"), text(PASSED_THE_GATE), attempts.c.candidate_id.is_not(None)
)
_CLASSES_KNOWN = _CLASSES.where(evaluations.c.candidate_id.in_(_MADE_BY_RUN), OF_RUN)
_LATER = evaluations.alias()
_MADE_AGAIN = (
    select(_LATER.c.id)
    .where(
        _LATER.c.run_id == bindparam("this_run"),
        _LATER.c.attempt_index == evaluations.c.attempt_index,
        _LATER.c.split == Split.SEARCH.value,
        _LATER.c.id > evaluations.c.id,
    )
    .exists()
)
_LOST = select(evaluations.c.attempt_index).where(
    _PAID_BY_RUN,
    evaluations.c.attempt_index.is_not(None),
    evaluations.c.split == Split.SEARCH.value,
    evaluations.c.outcome == Outcome.INFRASTRUCTURE.value,
    ~_MADE_AGAIN,
)
_STOPPED = select(evaluations.c.id).where(_BY_CANDIDATE, STOPPED_BY_RUN).limit(1)


Reads = tuple[Select[Any], Select[Any]]  # the evaluations that meet a condition, and their instances


def _reads(condition: ColumnElement[bool]) -> Reads:
    of_instances = instances.c.evaluation_id == evaluations.c.id
    return (
        select(evaluations).where(condition).order_by(evaluations.c.id),
        select(instances)
        .join(evaluations, of_instances)
        .where(condition)
        .order_by(instances.c.evaluation_id, instances.c.ordinal),
    )


_FIND = _reads(_BY_KEY)
_OF_CANDIDATE = _reads(_BY_CANDIDATE)
_OF_RUN = _reads(_PAID_BY_RUN)
_FOR_RUN = _reads(_USABLE)
_STOPPED_ATTEMPT = _reads(STOPPED_BY_RUN & (evaluations.c.attempt_index == bindparam("this_attempt")))
_ADD_INSTANCES = insert(instances)


class EvaluationStore:
    """The methods of `archive.store.Archive` on evaluations."""

    _database: Database
    _shared: SharedRows

    def find_evaluation(self, key: EvaluationKey) -> StoredEvaluation | None:
        """The finished evaluation of exactly this work, if there is one; infrastructure failures are not found."""
        found = self._read(_FIND, {"key": key_digest(key)})
        return found[0] if found else None

    def add_evaluation(
        self,
        candidate_id: str,
        evaluation: Evaluation,
        key: EvaluationKey,
        run_id: str | None = None,
        attempt_index: int | None = None,
    ) -> StoredEvaluation:
        """Archives an evaluation with its instances; if the same work is archived already, nothing changes.

        An infrastructure failure is archived under no key: the work counts as not done.

        Returns:
            The evaluation as archived, over-long texts cut: this one, or the earlier one of the same work.

        Raises:
            ArchiveError: The evaluation does not fit its key, or a number is not finite.
            ConflictError: The candidate, run or attempt is not archived, or the key is of another candidate.
        """
        if key.candidate_id != candidate_id:
            raise ConflictError(f"expected a key of candidate {candidate_id}, found one of {key.candidate_id}")
        evaluation = storable(evaluation)
        made = Circumstances.of(evaluation, key)
        values = evaluation_values(evaluation, key) | made.digests
        values |= {"run_id": run_id, "attempt_index": attempt_index, "created_at": _now()}
        rows = [instance_values(instance, i) for i, instance in enumerate(evaluation.instances)]
        with self._database.writing() as connection:
            self._shared.insert(connection, made)
            row_id = self._insert(connection, values, rows)
        self._shared.remember(made)
        if row_id is None:
            return self._read(_FIND, {"key": values["key_digest"]})[0]
        return StoredEvaluation(
            id=row_id,
            candidate_id=candidate_id,
            run_id=run_id,
            attempt_index=attempt_index,
            evaluation=evaluation,
            created_at=values["created_at"],
            planner_clock=str(key.planner_clock),
        )

    def evaluations(self, candidate_id: str) -> list[StoredEvaluation]:
        """Every evaluation of the candidate, on any task, oldest first; `candidate_id` in full."""
        return self._read(_OF_CANDIDATE, {"candidate": candidate_id})

    def evaluations_of_run(self, run_id: str) -> list[StoredEvaluation]:
        """Every evaluation that the run paid for, oldest first."""
        return self._read(_OF_RUN, {"this_run": run_id})

    def evaluations_for_run(self, run_id: str) -> list[StoredEvaluation]:
        """Every evaluation that the run may use, oldest first: resume looks its scores up here.

        These are the evaluations of its founders and of its attempts' candidates in its league that were made on its
        search and validation instances, whoever paid (`archive.run_scope`), and those on the hold-out.
        """
        with self._database.reading() as connection:
            scope = scope_of(connection, run_id, Split.SEARCH, Split.VALIDATION)
        return self._read(_FOR_RUN, scope)

    def environment_classes(self, run_id: str) -> set[str]:
        """Where the run was scored: where it paid, or else where what it made was scored on its instances.

        Programs that it only started with bind it to no place: they may be scored again wherever it begins.
        """
        with self._database.reading() as connection:
            paid_in = set(connection.execute(_CLASSES_PAID_IN, {"this_run": run_id}).scalars())
            if paid_in:
                return paid_in
            scope = scope_of(connection, run_id, Split.SEARCH)
            return set(connection.execute(_CLASSES_KNOWN, scope).scalars())

    def was_stopped(self, run_id: str, candidate_id: str) -> bool:
        """Whether the run ended an evaluation of the candidate early: its end there, whoever finishes it elsewhere."""
        with self._database.reading() as connection:
            return connection.execute(_STOPPED, {"this_run": run_id, "candidate": candidate_id}).first() is not None

    def stopped_evaluation(self, run_id: str, attempt_index: int) -> StoredEvaluation | None:
        """The evaluation of an attempt's program that was ended early, if it was."""
        found = self._read(_STOPPED_ATTEMPT, {"this_run": run_id, "this_attempt": attempt_index})
        return found[0] if found else None

    def lost_attempts(self, run_id: str) -> frozenset[int]:
        """The attempts whose last evaluation the infrastructure ended; one that was made again since is not lost."""
        with self._database.reading() as connection:
            return frozenset(connection.execute(_LOST, {"this_run": run_id}).scalars())

    def _insert(self, connection: Connection, values: Values, instance_rows: list[Values]) -> int | None:
        """The number of the new evaluation; None if the work is archived already."""
        row_id: int | None = connection.execute(_add(self._database.dialect), values).scalar()
        if row_id is not None and instance_rows:
            connection.execute(_ADD_INSTANCES, [row | {"evaluation_id": row_id} for row in instance_rows])
        return row_id

    def _read(self, reads: Reads, wanted: Values) -> list[StoredEvaluation]:
        of_evaluations, of_instances = reads
        with self._database.reading() as connection:
            rows = connection.execute(of_evaluations, wanted).all()
            if not rows:
                return []
            instance_rows = connection.execute(of_instances, wanted).all()
            self._shared.load(connection, rows)
        parts = defaultdict(list)
        for row in instance_rows:
            parts[row.evaluation_id].append(instance_of(row))
        return [self._stored(row, parts[row.id]) for row in rows]

    def _stored(self, row: AnyRow, parts: Sequence[InstanceResult]) -> StoredEvaluation:
        shared, league = self._shared, self._shared.leagues[row.league]
        parameters = shared.parameters[league.task_identity]
        return stored_of(row, league, parameters, shared.environments[row.environment], parts)


@cache
def _add(dialect: str) -> ReturningInsert[Any]:
    new = insert_into(evaluations, dialect).on_conflict_do_nothing(index_elements=["key_digest"])
    return new.returning(evaluations.c.id)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
