"""Archive URLs: which database one names, and how it may be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from archive.errors import ArchiveError

_EXAMPLES = "expected sqlite:///evenkeel.db or postgresql://user@host/database"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an archive is."""

    url: URL

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `text` names.

        Raises:
            ArchiveError: It is no URL, or of a database that we do not support.
        """
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):  # of a port that is no number; either may quote the password
            raise ArchiveError(f"{_EXAMPLES}, found an archive that is no URL; a file is sqlite:///PATH") from None
        backend = url.drivername.partition("+")[0]
        if backend == "sqlite":
            return cls(url.set(drivername="sqlite"))
        if backend in ("postgresql", "postgres"):
            return cls(url.set(drivername="postgresql+psycopg"))
        raise ArchiveError(f"{_EXAMPLES}, found an archive of kind {backend!r}")

    @property
    def is_sqlite(self) -> bool:
        """Whether the archive is an SQLite file, or in memory."""
        return self.url.drivername == "sqlite"

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for memory and for servers."""
        name = self.url.database
        if not self.is_sqlite or not name or name == ":memory:":
            return None
        return Path(name).absolute()

    @property
    def password(self) -> str | None:
        """The password in the URL, which is never shown."""
        return self.url.password

    def __str__(self) -> str:
        """The URL without its password and options."""
        return self.url.set(query={}).render_as_string(hide_password=True)
