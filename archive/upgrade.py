"""Bringing an archive of an older Evenkeel to this one's schema."""

from __future__ import annotations

from archive.address import Address
from archive.database import Database
from archive.migrations import migrate


def upgrade(url: str) -> None:
    """Migrates the archive at `url` to the newest schema, in one transaction; a current one is left as it is.

    Raises:
        ArchiveError: There is no archive, it is newer than this code, or it cannot be written.
    """
    database = Database(Address.parse(url), create=False)
    try:
        migrate(database)
    finally:
        database.close()
