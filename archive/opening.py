"""What is checked before an archive is used; an empty database becomes one."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, inspect, select, text

from archive import schema
from archive.database import Database
from archive.errors import ArchiveUnavailableError, NotAnArchiveError, SchemaVersionError
from archive.statistics import advise_planner

_CREATION_LOCK = 0x6576656E  # "even": of PostgreSQL's advisory locks


def prepare(database: Database, *, create: bool) -> None:
    """Makes the schema in an empty database, or checks the one that is there.

    Raises:
        ArchiveUnavailableError: The database is empty and may not be filled.
        NotAnArchiveError: It holds something else.
        SchemaVersionError: It was written by another version of Evenkeel.
    """
    with database.reading() as connection:
        found = schema_version(connection, str(database.address))
    if found is not None:
        check_version(found, str(database.address))
    elif create and not database.read_only:
        database.keep_log()
        with database.writing() as connection:
            _create(connection, str(database.address))
    else:
        raise ArchiveUnavailableError(f"the archive {database.address} is empty; `evolve run` fills it")


def schema_version(connection: Connection, shown: str) -> str | None:
    """The alembic revision of the archive; None for an empty database.

    Raises:
        NotAnArchiveError: There are tables, but not ours.
    """
    tables = inspect(connection).get_table_names()
    if schema.VERSION_TABLE in tables:
        return connection.execute(select(schema.version.c.version_num)).scalar()
    if tables:
        some = ", ".join(sorted(tables)[:3])
        raise NotAnArchiveError(
            f"{shown} is not an Evenkeel archive: it holds other tables ({some}); give it a database of its own"
        )
    return None


def check_version(found: str, shown: str) -> None:
    """Refuses a schema that is not this code's.

    Raises:
        SchemaVersionError: It is older, or newer.
    """
    ours = schema.SCHEMA_VERSIONS[-1]
    if found == ours:
        return
    if found in schema.SCHEMA_VERSIONS:
        raise SchemaVersionError(
            f"the archive {shown} has schema {found}, older than {ours} of this Evenkeel; "
            f"stop its runs, then run `evolve archive upgrade --archive {shown}`"
        )
    raise SchemaVersionError(
        f"the archive {shown} has schema {found}, newer than {ours} of this Evenkeel; use the Evenkeel that wrote it"
    )


def _create(connection: Connection, shown: str) -> None:
    """The fast way to the newest schema; a test holds it equal to what the migrations make."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_CREATION_LOCK})"))
    found = schema_version(connection, shown)
    if found is not None:  # another process was faster
        check_version(found, shown)
        return
    schema.metadata.create_all(connection, checkfirst=False)
    schema.stamps.create_all(connection, checkfirst=False)
    connection.execute(insert(schema.version).values(version_num=schema.SCHEMA_VERSIONS[-1]))
    advise_planner(connection)
    _add_meta(connection)


def _add_meta(connection: Connection) -> None:
    """Gives a new archive its hold-out secret."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(insert(schema.archive_meta).values(id=1, holdout_secret=secrets.token_hex(16), created_at=now))
