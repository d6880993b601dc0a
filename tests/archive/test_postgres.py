"""The archive's contract on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.contracts.archive_contract import ArchiveContract
from tests.postgres import PostgresServer


class TestPostgresArchive(ArchiveContract):
    @pytest.fixture
    def archive_url(self, postgres: PostgresServer) -> str:
        return postgres.new_schema()
