"""The archive: everything that runs remember, in SQLite or PostgreSQL.

Each method is one transaction, committed before it returns (`archive.database` says what survives what).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from archive.address import Address
from archive.attempt_store import AttemptStore
from archive.database import Database
from archive.embedding_store import EmbeddingStore
from archive.errors import ArchiveError, ArchiveUnavailableError
from archive.evaluation_store import EvaluationStore
from archive.opening import prepare
from archive.run_store import RunStore
from archive.shared_rows import SharedRows


class Archive(RunStore, AttemptStore, EvaluationStore, EmbeddingStore):
    """An open archive; `Archive.open` makes one. Threads may share it (they take turns), processes may not."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shared = SharedRows(database.dialect)

    @classmethod
    def open(cls, url: str, *, create: bool = True, read_only: bool = False, wait_s: float = 30.0) -> Self:
        """The archive at `url`.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://user@host/database``.
            create: Whether a missing file or an empty database becomes an archive.
            read_only: Whether writes are refused; a run may be writing meanwhile.
            wait_s: How long to wait for another process that is writing.

        Raises:
            ArchiveError: It cannot be opened; the message says why, and never the password.
        """
        address = Address.parse(url)
        if address.path is not None and (read_only or not create) and not address.path.exists():
            raise ArchiveUnavailableError(f"there is no archive at {address.path}; `evolve run` makes one")
        database = Database(address, read_only=read_only, create=create, wait_s=wait_s)
        try:
            prepare(database, create=create)
        except ArchiveError:
            database.close()
            raise
        return cls(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; a second call does nothing."""
        self._database.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that commits at its end, for `archive.merging` and `archive.pruning`."""
        with self._database.writing() as connection:
            yield connection

    def compact(self) -> None:
        """Gives the room of removed rows back, and forgets what was kept in memory of them."""
        self._shared = SharedRows(self._database.dialect)
        self._database.compact()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the archive, for `archive.queries`."""
        with self._database.reading() as connection:
            yield connection
