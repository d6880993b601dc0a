"""The archive's contract on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.archive_contract import ArchiveContract


class TestSqliteArchive(ArchiveContract):
    @pytest.fixture
    def archive_url(self, tmp_path: Path) -> str:
        path = tmp_path / "an archive 100%.db"
        path.touch()
        return f"sqlite:///{path}"
