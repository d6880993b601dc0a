from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from archive.records import Attempt, FounderRole, Note, NoteKind
from archive.store import Archive
from evolve.errors import BackendError
from evolve.proposer import Proposal
from evolve.run.driver import Driver
from evolve.run.progress import Progress
from evolve.search.request import MutationRequest
from tests.evolve.fakes import FakeBackend, FakeProposer
from tests.evolve.run.test_driver import CLOCK, TASK, StoppingBackend, a_config, a_run
from tests.evolve.sessions import a_session


class RepeatingProposer(FakeProposer):
    """Gives a pinned program back unchanged once, as a model does."""

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        made = await super().propose(request, sources, rng)
        return Proposal(source="# other\n", operator="fake", change="nothing") if request.index == 12 else made


def drive(archive: Archive, run_id: str, backend: FakeBackend) -> list[Attempt]:
    run, config = archive.run(run_id), a_config(attempts=30, order="index")

    async def scene() -> None:
        session, stages = await a_session(archive, run, config, backend, TASK)
        progress = Progress(task="toy", run_id=run.id)
        await Driver(session, RepeatingProposer(), stages, progress, in_flight=4, clock=CLOCK).evolve()

    asyncio.run(scene())
    return archive.attempts(run.id)


def pinned_run(archive: Archive) -> str:
    """A run whose baseline a person has pinned."""
    run = a_run(archive, a_config(attempts=30, order="index"))
    (baseline,) = [f for f in archive.founders(run.id) if f.role is FounderRole.BASELINE]
    note = Note(kind=NoteKind.PIN, text="", created_at="now", run_id=run.id, candidate_id=baseline.candidate_id)
    archive.add_note(note)
    return run.id


def fates(attempts: list[Attempt]) -> list[object]:
    return [(a.parent_id, a.candidate_id, a.state, a.neighbour_id, a.tell_order) for a in attempts]


@pytest.mark.parametrize("break_at", [25, 32, 38])
def test_a_run_whose_pinned_baseline_was_proposed_again_resumes(tmp_path: Path, break_at: int) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/whole.db") as archive:
        run_id = pinned_run(archive)
        whole = drive(archive, run_id, FakeBackend())
        baseline = archive.founders(run_id)[1].candidate_id
    assert sum(attempt.parent_id == baseline for attempt in whole) > 1
    assert (whole[12].rejection, whole[12].neighbour_id) == ("duplicate (source)", baseline)
    with Archive.open(f"sqlite:///{tmp_path}/broken.db") as archive:
        run_id = pinned_run(archive)
        with pytest.raises(BackendError):
            drive(archive, run_id, StoppingBackend(break_at, pace=0))
        assert fates(drive(archive, run_id, FakeBackend())) == fates(whole)
