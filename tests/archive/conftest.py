"""Places for an archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PostgresServer, free_port


@pytest.fixture(params=["sqlite", "postgres"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/a.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_schema()


@pytest.fixture
def unused_port() -> int:
    return free_port()
