"""Whatever is wrong with the database, the caller gets one of the archive's errors, and never sees the password."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from archive import database, schema
from archive.address import Address
from archive.errors import (
    ArchiveError,
    ArchiveFullError,
    ArchiveLockedError,
    ArchiveReadOnlyError,
    ArchiveUnavailableError,
    NotAnArchiveError,
    SchemaVersionError,
)
from archive.store import Archive
from archive.upgrade import upgrade
from tests.archive import samples
from tests.archive.samples import a_candidate, a_run
from tests.postgres import LOCKED_PASSWORD, LOCKED_USER, PostgresServer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An archive with one run."""
    path = tmp_path / "a.db"
    with Archive.open(f"sqlite:///{path}") as archive:
        samples.begin(archive)
    return path


def _set_version(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = ?", [version])


# Addresses


@pytest.mark.parametrize(
    "url", ["evenkeel.db", "", "mysql://u:secret@host/db", "sqlite", "postgresql://u:secret@h:x/d"]
)
def test_useless_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ArchiveError, match=r"expected sqlite:///evenkeel\.db") as refused:
        Archive.open(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_postgres_urls_mean_psycopg(scheme: str) -> None:
    address = Address.parse(f"{scheme}://u:secret@host/db?password=secret")
    assert address.url.drivername == "postgresql+psycopg"
    assert str(address) == "postgresql+psycopg://u:***@host/db"


def test_archive_in_memory_works() -> None:
    with Archive.open("sqlite://") as archive:
        assert samples.begin(archive) == archive.run(a_run().id)


# Files that are no archive


def test_missing_file_is_not_made_for_reading(tmp_path: Path) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(ArchiveUnavailableError, match=r"no archive at .*/a\.db; `evolve run` makes one"):
            Archive.open(f"sqlite:///{tmp_path}/a.db", **options)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnavailableError, match=r"nosuch/a\.db cannot be opened; check that its folder exists"):
        Archive.open(f"sqlite:///{tmp_path}/nosuch/a.db")


def test_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveUnavailableError, match="cannot be opened"):
        Archive.open(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("read_only", [True, False])
def test_garbage_is_refused_and_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is no database\n" * 500)
    with pytest.raises(NotAnArchiveError, match="not an Evenkeel archive"):
        Archive.open(f"sqlite:///{path}", read_only=read_only)
    assert path.read_bytes() == b"this is no database\n" * 500


def test_other_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (x)")
    before = path.read_bytes()
    with pytest.raises(NotAnArchiveError, match=r"other tables \(invoices\)"):
        Archive.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_damaged_archive_is_said_to_be_damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(NotAnArchiveError, match="is damaged"), Archive.open(f"sqlite:///{path}") as archive:
        archive.runs()


# Versions


@pytest.mark.parametrize("read_only", [True, False])
def test_newer_schema_is_refused(path: Path, read_only: bool) -> None:
    _set_version(path, "9999")
    with pytest.raises(SchemaVersionError, match="schema 9999, newer than 0007"):
        Archive.open(f"sqlite:///{path}", read_only=read_only)
    with pytest.raises(SchemaVersionError, match="newer"):
        upgrade(f"sqlite:///{path}")


def test_older_schema_is_refused_with_the_way_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "SCHEMA_VERSIONS", (*schema.SCHEMA_VERSIONS, "0008"))
    with pytest.raises(SchemaVersionError, match="0007, older than 0008.*evolve archive upgrade"):
        Archive.open(f"sqlite:///{path}")


# Files that cannot be written


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may write everything; so these tests are run as nobody where we are root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that `nobody` may enter, which `tmp_path` is not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_read_only_file_is_refused_for_writing_only(public_folder: Path) -> None:
    path = public_folder / "a.db"
    with Archive.open(f"sqlite:///{path}") as archive:
        samples.begin(archive)
    path.chmod(0o444)
    with ordinary_user():
        with (
            Archive.open(f"sqlite:///{path}") as archive,
            pytest.raises(ArchiveReadOnlyError, match="is read-only; check the permissions"),
        ):
            archive.add_candidate(a_candidate(1))
        with Archive.open(f"sqlite:///{path}", read_only=True) as archive:
            assert archive.runs() == [a_run()]


def test_archive_in_a_read_only_folder_is_readable(public_folder: Path) -> None:
    path = public_folder / "a.db"
    with Archive.open(f"sqlite:///{path}") as archive:
        samples.begin(archive)
    public_folder.chmod(0o555)
    with ordinary_user(), Archive.open(f"sqlite:///{path}", read_only=True) as archive:
        assert archive.runs() == [a_run()]
    public_folder.chmod(0o777)


def test_unreadable_file_is_refused(public_folder: Path) -> None:
    path = public_folder / "a.db"
    Archive.open(f"sqlite:///{path}").close()
    path.chmod(0o000)
    with ordinary_user(), pytest.raises(ArchiveUnavailableError, match="cannot be opened"):
        Archive.open(f"sqlite:///{path}")


def test_locked_archive_is_waited_for_and_then_refused(path: Path) -> None:
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        Archive.open(f"sqlite:///{path}", wait_s=0.05) as archive,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveLockedError, match="locked by another process"):
            archive.add_candidate(a_candidate(1))
        assert archive.runs() == [a_run()]
        other.execute("ROLLBACK")
        archive.add_candidate(a_candidate(1))
        assert archive.candidate(a_candidate(1).id) == a_candidate(1)


def test_full_disk_loses_nothing_that_was_committed(path: Path) -> None:
    with Archive.open(f"sqlite:///{path}") as archive:
        with archive.reading() as connection:
            connection.execute(text("PRAGMA max_page_count=1"))  # SQLite takes the present size for it
        number = _first_refused(archive)
        assert archive.candidate(a_candidate(number - 1).id) == a_candidate(number - 1)
        assert archive.runs() == [a_run()]
        with archive.reading() as connection:
            connection.execute(text("PRAGMA max_page_count=1000000"))
        archive.add_candidate(a_candidate(number))
        assert archive.candidate(a_candidate(number).id) == a_candidate(number)


def _first_refused(archive: Archive) -> int:
    """The number of the first candidate that the disk has no place for."""
    for number in range(1, 5_000):
        try:
            archive.add_candidate(a_candidate(number))
        except ArchiveFullError:
            return number
    raise AssertionError("the disk was never full")


def test_closed_archive_says_so(path: Path) -> None:
    archive = Archive.open(f"sqlite:///{path}")
    archive.close()
    with pytest.raises(ArchiveError, match="is closed"):
        archive.runs()


# Durability


def test_paid_replies_wait_for_the_disk(path: Path) -> None:
    with Archive.open(f"sqlite:///{path}") as archive:
        archive.add_attempt(samples.an_attempt())
        assert _synchronous(archive) == NORMAL
        seen = []
        with archive._database.writing(durable=True) as connection:
            seen.append(connection.execute(text("PRAGMA synchronous")).scalar())
        assert (seen, _synchronous(archive)) == ([FULL], NORMAL)


NORMAL, FULL = 1, 2  # of PRAGMA synchronous


def _synchronous(archive: Archive) -> object:
    with archive.reading() as connection:
        return connection.execute(text("PRAGMA synchronous")).scalar()


def test_paid_replies_wait_for_the_disk_on_postgres(postgres: PostgresServer) -> None:
    with Archive.open(postgres.new_database()) as archive:
        with archive._database.writing() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "off"
        with archive._database.writing(durable=True) as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


# PostgreSQL servers


def test_unreachable_server_is_named_without_password(unused_port: int) -> None:
    with pytest.raises(ArchiveUnavailableError, match="cannot be reached; check the URL") as refused:
        Archive.open(f"postgresql://me:topsecret@127.0.0.1:{unused_port}/db")
    assert "topsecret" not in str(refused.value)
    assert f"127.0.0.1:{unused_port}" in str(refused.value)


def test_wrong_password_is_not_shown(postgres: PostgresServer) -> None:
    url = postgres.new_database().replace("postgres@", f"{LOCKED_USER}:topsecret@")
    with pytest.raises(ArchiveUnavailableError, match="password authentication failed") as refused:
        Archive.open(url)
    assert "topsecret" not in str(refused.value)
    chained = str(refused.value.__cause__) + str(refused.value.__context__)
    assert "topsecret" not in chained


def test_missing_rights_are_said(postgres: PostgresServer) -> None:
    url = postgres.new_database().replace("postgres@", f"{LOCKED_USER}:{LOCKED_PASSWORD}@")
    with pytest.raises(ArchiveReadOnlyError, match="may not be written by this user"):
        Archive.open(url)


def test_missing_database_is_named(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with pytest.raises(ArchiveUnavailableError, match='database "nosuch" does not exist'):
        Archive.open(url.rpartition("/")[0] + "/nosuch")


def test_other_tables_on_the_server_are_refused(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    postgres.run_sql(url, "CREATE TABLE invoices (x int)")
    with pytest.raises(NotAnArchiveError, match=r"other tables \(invoices\)"):
        Archive.open(url)


def test_lost_connection_is_said_and_then_mended(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with Archive.open(url) as archive:
        samples.begin(archive)
        name = url.rpartition("/")[2]
        others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        postgres.run_sql(postgres.url, others)
        with pytest.raises(ArchiveUnavailableError):
            archive.runs()
        assert archive.runs() == [a_run()]
        archive.add_candidate(a_candidate(1))


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ArchiveUnavailableError, match=r"evenkeel\[postgres\]"):
        database.Database(Address.parse("postgresql://me@host/db"))
