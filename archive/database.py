"""One connection to the database, with its transactions and its errors put into the archive's words.

Durability. Every transaction is committed before the method that made it returns.
- The process dies (kill -9): nothing committed is lost, on SQLite and on PostgreSQL, since the operating system, or the
  server, already holds the log.
- The machine loses power, or the PostgreSQL server itself is killed: the last commits (up to a second's worth) may be
  lost, always a suffix, never a broken file: SQLite runs with ``synchronous=NORMAL`` and PostgreSQL with
  ``synchronous_commit=off``, so an attempt does not wait for the disk. Lost evaluations are run again.
- A paid model reply is committed with ``durable=True``: the log is forced to the disk before the call returns, and with
  it all that was committed before.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError
from sqlalchemy.pool import NullPool

from archive.address import Address
from archive.errors import ArchiveReadOnlyError, ArchiveUnavailableError
from archive.faults import archive_error

IsolationLevel = Literal["REPEATABLE READ", "READ COMMITTED"]
Upsert = sqlite.Insert | postgresql.Insert

_SQLITE_SETTINGS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA cache_size=-65536",  # 64 MiB
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",  # the log is cut back to 64 MiB after a long read held it open
)
_FORCE_COMMIT = text("SET LOCAL synchronous_commit = on")


def insert_into(table: Table, dialect: str) -> Upsert:
    """An INSERT to which ``ON CONFLICT`` can be added."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


class Database:
    """One open connection, used by one thread at a time; `reading` and `writing` are its transactions."""

    def __init__(self, address: Address, *, read_only: bool = False, create: bool = True, wait_s: float = 30.0) -> None:
        self.address = address
        self.read_only = read_only
        self._lock = threading.RLock()
        self._begin = "BEGIN"
        self._level: IsolationLevel | None = None
        with self.faults():
            self._engine = self._make_engine(create, wait_s)
            self._connection = self._engine.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the archive."""
        with self._lock, self.faults(), self._isolated("REPEATABLE READ").begin():
            yield self._connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that commits at its end, or leaves no trace if an error leaves it.

        Args:
            durable: Whether the commit survives a loss of power too; it then waits for the disk.

        Raises:
            ArchiveReadOnlyError: The archive was opened for reading.
        """
        if self.read_only:
            raise ArchiveReadOnlyError(f"the archive {self.address} was opened for reading; open it for writing")
        with self._lock, self.faults(), self._write_settings(durable), self._isolated("READ COMMITTED").begin():
            if durable and not self.address.is_sqlite:
                self._connection.execute(_FORCE_COMMIT)
            yield self._connection

    def _isolated(self, level: IsolationLevel) -> Connection:
        """The connection, whose next transaction has this level on PostgreSQL; those of SQLite see one state anyway.

        A writer sees what others committed while it waited for them: at the readers' level it would fail instead.
        """
        if not self.address.is_sqlite and self._level != level:
            self._connection.execution_options(isolation_level=level)
            self._level = level
        return self._connection

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Raises the archive's errors in place of the database's."""
        try:
            yield
        except DBAPIError as error:
            raise archive_error(error.orig, str(self.address), self.address.password) from error.orig
        except sqlite3.Error as error:  # of a PRAGMA, which goes past SQLAlchemy
            raise archive_error(error, str(self.address)) from error
        except (PendingRollbackError, ResourceClosedError) as error:
            raise ArchiveUnavailableError(f"the archive {self.address} is closed; open it again") from error

    def keep_log(self) -> None:
        """Has SQLite write ahead of the file (WAL), so that readers and the writer do not wait for each other."""
        if self.address.path is not None and not self.read_only:
            with self._lock, self.faults():
                self._pragma("journal_mode=WAL")

    def compact(self) -> None:
        """Has SQLite write its file anew without the room of deleted rows; PostgreSQL does that by itself."""
        if self.address.is_sqlite:
            with self._lock, self.faults():
                self._raw().execute("VACUUM").close()

    @property
    def dialect(self) -> str:
        """The name of SQLAlchemy's dialect, for `insert_into`."""
        return self._engine.dialect.name

    def close(self) -> None:
        """Closes the connection; a second call does nothing."""
        self._connection.close()
        self._engine.dispose()

    def _make_engine(self, create: bool, wait_s: float) -> Engine:
        if self.address.is_sqlite:
            return self._sqlite_engine(create, wait_s)
        return self._postgres_engine(wait_s)

    def _sqlite_engine(self, create: bool, wait_s: float) -> Engine:
        file = _sqlite_file(self.address, self.read_only, create)

        def connect() -> sqlite3.Connection:
            # isolation_level=None: the module begins no transactions of its own; `_emit_begin` does
            made = sqlite3.connect(file, uri=True, timeout=wait_s, isolation_level=None, check_same_thread=False)
            try:
                for setting in _SQLITE_SETTINGS:
                    made.execute(setting)
            except sqlite3.Error:
                made.close()
                raise
            return made

        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
        event.listen(engine, "begin", self._emit_begin)
        return engine

    def _postgres_engine(self, wait_s: float) -> Engine:
        settings = {
            "synchronous_commit": "off",
            "lock_timeout": f"{wait_s * 1000:.0f}ms",
            "default_transaction_read_only": "on" if self.read_only else "off",
        }
        query = dict(self.address.url.query)
        options = [str(query.get("options", "")), *(f"-c {name}={value}" for name, value in settings.items())]
        arguments = {"options": " ".join(options), "connect_timeout": query.get("connect_timeout", "10")}
        try:
            return create_engine(self.address.url, poolclass=NullPool, connect_args=arguments)
        except ModuleNotFoundError as error:
            raise ArchiveUnavailableError(
                'PostgreSQL archives need psycopg; install it with `pip install "evenkeel[postgres]"`'
            ) from error

    def _emit_begin(self, connection: Connection) -> None:
        connection.exec_driver_sql(self._begin)

    @contextmanager
    def _write_settings(self, durable: bool) -> Iterator[None]:
        """SQLite takes its write lock at once, not in mid-transaction, and a durable commit waits for the disk."""
        if not self.address.is_sqlite:
            yield
            return
        self._begin = "BEGIN IMMEDIATE"
        if durable:
            self._pragma("synchronous=FULL")  # not possible inside the transaction
        try:
            yield
        finally:
            self._begin = "BEGIN"
            if durable:
                self._pragma("synchronous=NORMAL")

    def _pragma(self, setting: str) -> None:
        """Outside any transaction, which SQLAlchemy's own `execute` would begin."""
        self._raw().execute(f"PRAGMA {setting}").close()

    def _raw(self) -> sqlite3.Connection:
        return cast(sqlite3.Connection, self._connection.connection.driver_connection)


def _sqlite_file(address: Address, read_only: bool, create: bool) -> str:
    """The ``file:`` URI for `sqlite3.connect`."""
    if address.path is None:
        return ":memory:"
    mode = "ro" if read_only else "rwc" if create else "rw"
    folder_is_frozen = not os.access(address.path.parent, os.W_OK, effective_ids=True)
    wal_exists = address.path.with_name(address.path.name + "-wal").exists()
    immutable = "&immutable=1" if read_only and folder_is_frozen and not wal_exists else ""
    return f"file:{quote(str(address.path))}?mode={mode}{immutable}"
