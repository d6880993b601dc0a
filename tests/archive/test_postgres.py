"""The archive's contract on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from archive.schema import candidates
from archive.store import Archive
from tests.archive.samples import a_candidate
from tests.contracts.archive_contract import ArchiveContract
from tests.postgres import PostgresServer


class TestPostgresArchive(ArchiveContract):
    @pytest.fixture
    def archive_url(self, postgres: PostgresServer) -> str:
        return postgres.new_schema()


@pytest.fixture
def both(postgres: PostgresServer) -> Iterator[tuple[Archive, Archive]]:
    """One archive, opened twice."""
    url = postgres.new_schema()
    with Archive.open(url) as one, Archive.open(url) as other:
        yield one, other


def test_a_reader_sees_one_state(both: tuple[Archive, Archive]) -> None:
    reader, writer = both
    count = select(func.count()).select_from(candidates)
    writer.add_candidate(a_candidate(0))
    with reader.reading() as connection:
        before = connection.execute(count).scalar()
        writer.add_candidate(a_candidate(1))
        assert connection.execute(count).scalar() == before == 1
    with reader.reading() as connection:
        assert connection.execute(count).scalar() == 2


def test_a_writer_sees_what_others_committed_meanwhile(both: tuple[Archive, Archive]) -> None:
    one, other = both
    count = select(func.count()).select_from(candidates)
    with one.reading() as connection:
        assert connection.execute(count).scalar() == 0
    with one.writing() as connection:
        assert connection.execute(count).scalar() == 0
        other.add_candidate(a_candidate(1))
        assert connection.execute(count).scalar() == 1
