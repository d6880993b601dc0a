from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.store import Archive
from evolve.run import lease
from tests.archive import samples
from tests.archive.samples import RUN_ID
from tests.end_to_end.commands import evolve

HOST = lease.this_process().rsplit(":", 2)[0]
FAR_AWAY = "elsewhere:1:1"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/archive.db") as opened:
        samples.begin(opened)
        yield opened


@pytest.mark.parametrize(
    ("owner", "age_s", "driven"),
    [(FAR_AWAY, 0.0, True), (FAR_AWAY, 1000.0, False), (f"{HOST}:1:never", 0.0, False)],
)
def test_a_run_is_driven_while_its_lease_runs_and_its_process_lives(
    archive: Archive, owner: str, age_s: float, driven: bool
) -> None:
    assert not lease.is_driven(archive, RUN_ID)
    archive.take_lease(RUN_ID, owner, time.time() - age_s, 60.0)
    assert lease.is_driven(archive, RUN_ID) == driven


def test_a_killed_run_can_be_removed_and_is_not_said_to_stop(archive: Archive, tmp_path: Path) -> None:
    archive.take_lease(RUN_ID, f"{HOST}:1:never", time.time(), 60.0)
    url = f"sqlite:///{tmp_path}/archive.db"
    stopped = evolve(tmp_path, "stop", RUN_ID, "--archive", url)
    assert (stopped.returncode, f"evolve resume {RUN_ID}" in stopped.stderr) == (1, True)
    assert evolve(tmp_path, "archive", "prune", RUN_ID, "--archive", url).returncode == 0
    assert archive.runs() == []
