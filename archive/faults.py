"""Database errors to the archive's own: one sentence that says what to do, and never a password."""

from __future__ import annotations

import sqlite3

from archive.errors import (
    ArchiveError,
    ArchiveFullError,
    ArchiveLockedError,
    ArchiveReadOnlyError,
    ArchiveUnavailableError,
    ConflictError,
    NotAnArchiveError,
)

_CONFLICT = "a record contradicts the archive (add what it refers to first, and each record once)"

_SQLITE: dict[int, tuple[type[ArchiveError], str]] = {
    sqlite3.SQLITE_BUSY: (ArchiveLockedError, "is locked by another process; try again when that has finished"),
    sqlite3.SQLITE_LOCKED: (ArchiveLockedError, "is locked by another process; try again when that has finished"),
    sqlite3.SQLITE_FULL: (ArchiveFullError, "cannot grow: the disk is full; free some space, then resume the run"),
    sqlite3.SQLITE_READONLY: (ArchiveReadOnlyError, "is read-only; check the permissions of the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: (ArchiveUnavailableError, "cannot be opened; check that its folder exists and is yours"),
    sqlite3.SQLITE_PERM: (ArchiveUnavailableError, "cannot be opened; check the permissions of the file"),
    sqlite3.SQLITE_IOERR: (ArchiveUnavailableError, "cannot be read or written: the disk reports an error"),
    sqlite3.SQLITE_NOTADB: (
        NotAnArchiveError,
        "is not an Evenkeel archive, nor any SQLite database; give another file",
    ),
    sqlite3.SQLITE_CORRUPT: (
        NotAnArchiveError,
        "is damaged; restore it from a copy, or save it with `sqlite3 .recover`",
    ),
    sqlite3.SQLITE_CONSTRAINT: (ConflictError, f"refused: {_CONFLICT}"),
}

_POSTGRES: dict[str, tuple[type[ArchiveError], str]] = {  # by SQLSTATE, else by its class
    "23": (ConflictError, f"refused: {_CONFLICT}"),
    "25006": (ArchiveReadOnlyError, "is read-only; open it for writing, or use the primary server"),
    "28": (ArchiveUnavailableError, "refuses the user or password; check the URL"),
    "3D000": (ArchiveUnavailableError, "does not exist; make it with `createdb`"),
    "40": (ArchiveLockedError, "was changed by another process at the same time; try again"),
    "42501": (ArchiveReadOnlyError, "may not be written by this user; grant it the rights, or take another user"),
    "53100": (ArchiveFullError, "cannot grow: the server's disk is full; free some space, then resume the run"),
    "55P03": (ArchiveLockedError, "is locked by another process; try again when that has finished"),
}


def archive_error(error: BaseException | None, shown: str, password: str | None = None) -> ArchiveError:
    """What to raise instead of the driver's `error`, for the archive at the URL `shown`."""
    kind, advice = _sqlite_fault(error) if isinstance(error, sqlite3.Error) else _postgres_fault(error)
    reason = _first_line(str(error))
    if password:
        reason = reason.replace(password, "***")
    return kind(f"the archive {shown} {advice} ({reason})")


def _sqlite_fault(error: sqlite3.Error) -> tuple[type[ArchiveError], str]:
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):  # of the module: these have no code
        return ArchiveError, "is closed or was misused"
    primary_code = error.sqlite_errorcode & 0xFF
    return _SQLITE.get(primary_code, (ArchiveError, "reports an error"))


def _postgres_fault(error: BaseException | None) -> tuple[type[ArchiveError], str]:
    import psycopg  # installed, since it raised the error; not needed for SQLite

    state = (error.sqlstate if isinstance(error, psycopg.Error) else None) or ""
    for code in (state, state[:2]):
        if code in _POSTGRES:
            return _POSTGRES[code]
    if isinstance(error, psycopg.OperationalError):
        return ArchiveUnavailableError, "cannot be reached; check the URL and that the server is running"
    return ArchiveError, "reports an error"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
