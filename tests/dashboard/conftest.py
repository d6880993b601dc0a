from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from archive.store import Archive
from dashboard.settings import ARCHIVE_VARIABLE, TASKS_VARIABLE
from tests.dashboard.seeded import seed_archive


@pytest.fixture(scope="session")
def seeded_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A seeded archive that nobody changes."""
    url = f"sqlite:///{tmp_path_factory.mktemp('seeded')}/seeded.db"
    with Archive.open(url) as archive:
        seed_archive(archive)
    return url


@pytest.fixture
def seeded(seeded_url: str) -> Iterator[Archive]:
    with Archive.open(seeded_url, read_only=True) as archive:
        yield archive


@pytest.fixture
def served(seeded_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the pages read is the seeded archive."""
    monkeypatch.setenv(ARCHIVE_VARIABLE, seeded_url)
    monkeypatch.delenv(TASKS_VARIABLE, raising=False)
    yield
    st.cache_resource.clear()


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/empty.db"
    Archive.open(url).close()
    return url
