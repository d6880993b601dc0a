"""Runs, who drives them, what they started with, and what people remarked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, insert, or_, select, update

from archive.candidate_store import adding
from archive.database import Database
from archive.errors import ArchiveError, ConflictError, LeaseHeldError, UnknownRecordError
from archive.mapping import (
    AnyRow,
    candidate_values,
    founder_of,
    founder_values,
    note_of,
    note_values,
    run_of,
    run_values,
)
from archive.records import Candidate, Founder, Lease, Note, NoteKind, Run, RunStatus
from archive.schema import archive_meta, founders, notes, runs

_THIS_RUN = runs.c.id == bindparam("this_run")
_ADD_RUN = insert(runs)
_RUN = select(runs).where(_THIS_RUN)
_RUNS = select(runs).order_by(runs.c.created_at, runs.c.id)
_UPDATE_RUN = update(runs).where(_THIS_RUN)
_SET_STATUS = _UPDATE_RUN.values(status=bindparam("status"))
_SET_STATUS_AS_OWNER = _SET_STATUS.where(runs.c.lease_owner == bindparam("owner"))
_SET_CONFIG = _UPDATE_RUN.values(config=bindparam("new_config"))
_REQUEST_STOP = _UPDATE_RUN.values(stop_requested=True)
_LEASE_IS_FREE = or_(
    runs.c.lease_owner.is_(None),
    runs.c.lease_owner == bindparam("owner"),
    runs.c.lease_expires_at <= bindparam("now"),
)
_TAKE_LEASE = _UPDATE_RUN.where(_LEASE_IS_FREE).values(
    lease_owner=bindparam("owner"), lease_expires_at=bindparam("expires_at"), stop_requested=False
)
_RENEW_LEASE = _UPDATE_RUN.where(runs.c.lease_owner == bindparam("owner")).values(
    lease_expires_at=bindparam("expires_at")
)
_RELEASE_LEASE = _UPDATE_RUN.where(runs.c.lease_owner == bindparam("owner")).values(
    lease_owner=None, lease_expires_at=None
)
_ADD_FOUNDER = insert(founders)
_FOUNDERS = select(founders).where(founders.c.run_id == bindparam("this_run")).order_by(founders.c.ordinal)
_ADD_NOTE = insert(notes)
_NOTES_FOR = (
    select(notes).where(or_(notes.c.run_id == bindparam("this_run"), notes.c.run_id.is_(None))).order_by(notes.c.id)
)
_NOTES_OF_KINDS = _NOTES_FOR.where(notes.c.kind.in_(bindparam("kinds", expanding=True)))
_SECRET = select(archive_meta.c.holdout_secret)


class RunStore:
    """The methods of `archive.store.Archive` on whole runs."""

    _database: Database

    def holdout_secret(self) -> str:
        """The key of the hold-out seeds: one per archive, made with it, so that all its runs compare."""
        with self._database.reading() as connection:
            return str(connection.execute(_SECRET).scalar_one())

    def add_run(self, run: Run, founders: Sequence[Founder] = (), programs: Sequence[Candidate] = ()) -> None:
        """Archives a new run with `founders`, whose `programs` may be new too: all of it or nothing.

        Raises:
            ArchiveError: A program cannot be archived.
            ConflictError: There is a run with this id.
        """
        of_founders = [founder_values(founder) for founder in founders]
        of_programs = [candidate_values(program) for program in programs]
        with self._database.writing() as connection:
            connection.execute(_ADD_RUN, run_values(run))
            for values in of_programs:
                connection.execute(adding(self._database.dialect), values)
            if of_founders:
                connection.execute(_ADD_FOUNDER, of_founders)

    def run(self, run_id: str) -> Run:
        """The run `run_id`.

        Raises:
            UnknownRecordError: There is none.
        """
        with self._database.reading() as connection:
            row = connection.execute(_RUN, {"this_run": run_id}).one_or_none()
        if row is None:
            raise _unknown_run(run_id)
        return run_of(row)

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        with self._database.reading() as connection:
            return [run_of(row) for row in connection.execute(_RUNS)]

    def set_run_status(self, run_id: str, status: RunStatus, *, owner: str | None = None) -> None:
        """Says where the run stands; with an `owner`, nothing happens unless that one holds the lease.

        Raises:
            UnknownRecordError: There is no such run.
        """
        values = {"this_run": run_id, "status": status.value}
        with self._database.writing() as connection:
            if owner is not None:
                connection.execute(_SET_STATUS_AS_OWNER, values | {"owner": owner})
            elif connection.execute(_SET_STATUS, values).rowcount == 0:
                raise _unknown_run(run_id)

    def set_run_config(self, run_id: str, config: str) -> None:
        """Stores with the run what it is to do from now on: a budget that was raised.

        Raises:
            UnknownRecordError: There is no such run.
        """
        with self._database.writing() as connection:
            if connection.execute(_SET_CONFIG, {"this_run": run_id, "new_config": config}).rowcount == 0:
                raise _unknown_run(run_id)

    def request_stop(self, run_id: str) -> None:
        """Asks whoever drives the run to end it; taking the lease anew withdraws the wish.

        Raises:
            UnknownRecordError: There is no such run.
        """
        with self._database.writing() as connection:
            if connection.execute(_REQUEST_STOP, {"this_run": run_id}).rowcount == 0:
                raise _unknown_run(run_id)

    def stop_requested(self, run_id: str) -> bool:
        """Whether the present driver of the run was asked to end it.

        Raises:
            UnknownRecordError: There is no such run.
        """
        with self._database.reading() as connection:
            row = connection.execute(_RUN, {"this_run": run_id}).one_or_none()
        if row is None:
            raise _unknown_run(run_id)
        return bool(row.stop_requested)

    def take_lease(self, run_id: str, owner: str, now: float, duration_s: float) -> None:
        """Makes `owner` the driver of the run until `now` + `duration_s` (Unix seconds).

        Raises:
            LeaseHeldError: A live driver has it.
            UnknownRecordError: There is no such run.
        """
        wish = {"this_run": run_id, "owner": owner, "now": now, "expires_at": now + duration_s}
        with self._database.writing() as connection:
            if connection.execute(_TAKE_LEASE, wish).rowcount == 0:
                raise _not_leased(connection.execute(_RUN, {"this_run": run_id}).one_or_none(), run_id)

    def renew_lease(self, run_id: str, owner: str, now: float, duration_s: float) -> None:
        """Prolongs the lease that `owner` holds, even one that ran out, as long as nobody else took it.

        Raises:
            LeaseHeldError: Somebody did.
            UnknownRecordError: There is no such run, or nobody drives it.
        """
        wish = {"this_run": run_id, "owner": owner, "expires_at": now + duration_s}
        with self._database.writing() as connection:
            if connection.execute(_RENEW_LEASE, wish).rowcount == 0:
                raise _not_leased(connection.execute(_RUN, {"this_run": run_id}).one_or_none(), run_id)

    def release_lease(self, run_id: str, owner: str) -> None:
        """Gives the lease back; nothing happens if `owner` does not hold it."""
        with self._database.writing() as connection:
            connection.execute(_RELEASE_LEASE, {"this_run": run_id, "owner": owner})

    def lease(self, run_id: str) -> Lease | None:
        """Who drives the run, or drove it until the lease ran out; None after a clean end.

        Raises:
            UnknownRecordError: There is no such run.
        """
        with self._database.reading() as connection:
            row = connection.execute(_RUN, {"this_run": run_id}).one_or_none()
        if row is None:
            raise _unknown_run(run_id)
        return None if row.lease_owner is None else Lease(owner=row.lease_owner, expires_at=row.lease_expires_at)

    def add_founder(self, founder: Founder) -> None:
        """Archives a program that the run starts with; its candidate must be archived already."""
        with self._database.writing() as connection:
            connection.execute(_ADD_FOUNDER, founder_values(founder))

    def founders(self, run_id: str) -> list[Founder]:
        """The programs the run started with, in order."""
        with self._database.reading() as connection:
            return [founder_of(row) for row in connection.execute(_FOUNDERS, {"this_run": run_id})]

    def add_note(self, note: Note) -> None:
        """Archives a remark."""
        with self._database.writing() as connection:
            connection.execute(_ADD_NOTE, note_values(note))

    def notes(self, *, run_id: str | None = None, candidate_id: str | None = None) -> list[Note]:
        """The remarks, oldest first; all of them, or those on a run, on a candidate, or on both."""
        wanted = select(notes).order_by(notes.c.id)
        if run_id is not None:
            wanted = wanted.where(notes.c.run_id == run_id)
        if candidate_id is not None:
            wanted = wanted.where(notes.c.candidate_id == candidate_id)
        with self._database.reading() as connection:
            return [note_of(row) for row in connection.execute(wanted)]

    def notes_for(self, run_id: str, *kinds: NoteKind) -> list[Note]:
        """The remarks that a run heeds, of `kinds` or of all, oldest first: those on it, and those on no run at all."""
        wanted = {"this_run": run_id, "kinds": kinds} if kinds else {"this_run": run_id}
        with self._database.reading() as connection:
            found = connection.execute(_NOTES_OF_KINDS if kinds else _NOTES_FOR, wanted)
            return [note_of(row) for row in found]


def _unknown_run(run_id: str) -> UnknownRecordError:
    return UnknownRecordError(f"expected the id of an archived run, found {run_id!r}; `evolve runs` lists them")


def _not_leased(row: AnyRow | None, run_id: str) -> ArchiveError:
    """Why a lease could not be had."""
    if row is None:
        return _unknown_run(run_id)
    if row.lease_owner is None:
        return ConflictError(f"nobody drives run {run_id}, so there is no lease to renew; take it first")
    return LeaseHeldError(run_id, row.lease_owner, row.lease_expires_at)
