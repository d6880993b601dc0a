from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archive.records import FounderRole, Run
from archive.store import Archive
from evaluators.contract import Evaluation, Split
from evaluators.protocol import EvaluateRequest
from evolve.config import RunConfig
from evolve.errors import BackendError
from evolve.programs import Program
from evolve.proposer import Proposal
from evolve.run.driver import Driver
from evolve.run.progress import Progress
from evolve.run.session import new_run
from evolve.run.validations import Validations
from evolve.search.request import MutationRequest
from tests.evolve.fakes import FakeBackend, FakeProposer
from tests.evolve.run.test_driver import CLOCK, PROGRAMS, TASK, StoppingBackend, a_config, drive
from tests.evolve.sessions import a_session


def founders(number: int) -> list[Program]:
    """Initial programs, the best of which children beat late."""
    return [Program(role=FounderRole.INITIAL, name=f"i{i}", source=f"# initial {i} 2\n") for i in range(number)]


def begun(archive: Archive, config: RunConfig, programs: Sequence[Program]) -> Run:
    return new_run(archive, config, TASK, programs, "test", CLOCK.timestamp())


def validations_of(archive: Archive, run: Run) -> set[tuple[str, str, int | None]]:
    """What was scored on which validation seeds, for which attempt."""
    rows = (row for row in archive.evaluations_of_run(run.id) if row.evaluation.split is Split.VALIDATION)
    return {(row.candidate_id, row.evaluation.seeds, row.attempt_index) for row in rows}


def validated(archive: Archive, run: Run, config: RunConfig) -> list[str]:
    session, stages = asyncio.run(a_session(archive, run, config, FakeBackend(), TASK))
    return Validations(session, stages).validated


@pytest.mark.parametrize("breaks", [(40,), (70,), (100,), (40, 40, 40)])
def test_a_run_broken_again_and_again_validates_as_if_it_never_was(tmp_path: Path, breaks: tuple[int, ...]) -> None:
    config = a_config(order="index", attempts=120, look_every=20)
    programs = founders(6)
    with Archive.open(f"sqlite:///{tmp_path}/whole.db") as archive:
        run = begun(archive, config, programs)
        drive(archive, run, config, FakeBackend())
        whole, chosen = validations_of(archive, run), validated(archive, run, config)
    assert len({seeds for _, seeds, _ in whole}) > 1  # or no look was made
    with Archive.open(f"sqlite:///{tmp_path}/broken.db") as archive:
        run = begun(archive, config, programs)
        for at in breaks:
            with pytest.raises(BackendError):
                drive(archive, run, config, StoppingBackend(at, pace=0))
        drive(archive, run, config, FakeBackend())
        assert validations_of(archive, run) == whole
        assert validated(archive, run, config) == chosen


def test_two_runs_of_one_seed_in_one_archive_validate_the_same(tmp_path: Path) -> None:
    config = a_config(order="index", attempts=100)
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        runs = [begun(archive, config, PROGRAMS) for _ in range(2)]
        for run in runs:
            drive(archive, run, config, FakeBackend())
        first, second = (validated(archive, run, config) for run in runs)
    assert first
    assert first == second


class OtherProposer(FakeProposer):
    """Makes other programs than `FakeProposer`."""

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        proposal = await super().propose(request, sources, rng)
        return replace(proposal, source=f"{proposal.source}# other\n") if proposal.source else proposal


class LooksHang(FakeBackend):
    """Never ends what is asked for on the seeds of a look."""

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        if request.secret:
            await asyncio.Event().wait()
        return await super().evaluate(request)


def test_looks_that_another_run_of_the_seed_made_do_not_stand_for_those_that_a_stop_prevented(tmp_path: Path) -> None:
    config = a_config(order="index", attempts=100, look_every=15)
    programs = founders(6)

    async def scene(archive: Archive, run: Run, backend: FakeBackend, *, stopped: bool) -> None:
        session, stages = await a_session(archive, run, config, backend, TASK)
        driver = Driver(session, OtherProposer(), stages, Progress(task="toy", run_id=run.id), 4, CLOCK)
        evolving = asyncio.create_task(driver.evolve())
        while stopped and session.search.num_tells < 100:
            await asyncio.sleep(0)
        if stopped:
            driver.stop()
        await evolving

    found = []
    for stopped in (False, True):
        with Archive.open(f"sqlite:///{tmp_path}/{stopped}.db") as archive:
            drive(archive, begun(archive, config, programs), config, FakeBackend())
            run = begun(archive, config, programs)
            if stopped:
                asyncio.run(scene(archive, run, LooksHang(), stopped=True))
            asyncio.run(scene(archive, run, FakeBackend(), stopped=False))
            found.append({seeds for _, seeds, _ in validations_of(archive, run)})
    assert len(found[0]) > 2  # or there was no look but one
    assert found[0] == found[1]
