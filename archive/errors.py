"""What the archive raises at its caller: a sentence or two that say what to do. Standard library only."""

from __future__ import annotations


class ArchiveError(Exception):
    """Root of what the archive raises at its caller; the message says what to do."""


class ArchiveUnavailableError(ArchiveError):
    """The database cannot be reached or opened: no such folder, no server, a wrong password."""


class NotAnArchiveError(ArchiveError):
    """The file or database is there, but holds something else, or is damaged."""


class SchemaVersionError(ArchiveError):
    """The archive was written by an older or a newer Evenkeel."""


class ArchiveLockedError(ArchiveError):
    """Another process kept the archive locked for longer than we wait."""


class ArchiveFullError(ArchiveError):
    """The disk, or the size allowed to the database, is used up."""


class ArchiveReadOnlyError(ArchiveError):
    """A write was tried where only reading is allowed."""


class UnknownRecordError(ArchiveError):
    """No record with this id, or more than one with this abbreviation."""


class ConflictError(ArchiveError):
    """A record contradicts what is archived: an illegal step, a second record under one key, a missing ancestor."""


class LeaseHeldError(ArchiveError):
    """Another process drives the run; `owner` and `expires_at` say who and until when."""

    def __init__(self, run_id: str, owner: str, expires_at: float) -> None:
        super().__init__(
            f"run {run_id} is being driven by {owner}; stop that process (`evolve stop {run_id}`), "
            "or wait until its lease runs out if it is dead"
        )
        self.run_id = run_id
        self.owner = owner
        self.expires_at = expires_at
