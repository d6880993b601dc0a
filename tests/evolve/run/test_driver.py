from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.records import Attempt, AttemptState, FounderRole, Run
from archive.store import Archive
from evaluators.contract import Descriptor, Evaluation, Outcome, Split, Tier
from evaluators.protocol import EvaluateRequest
from evaluators.toy import PROBLEM
from evolve.choices import Order
from evolve.config import RunConfig, build_config
from evolve.errors import BackendError
from evolve.programs import Program
from evolve.run.driver import STOPPED, Clock, Driver
from evolve.run.progress import Progress
from evolve.run.session import new_run
from tests.evolve.fakes import FakeBackend, FakeProposer
from tests.evolve.sessions import a_session

PROGRAMS = (
    Program(role=FounderRole.INITIAL, name="initial", source="# initial\n"),
    Program(role=FounderRole.BASELINE, name="other", source="# other\n"),
)
TASK = replace(
    PROBLEM.task,
    descriptors=(Descriptor(metric="score", low=0.0, high=1.0, bins=6),),
    trade_offs=("score", "score"),
)
CLOCK = Clock(elapsed_s=lambda: 0.0, timestamp=lambda: "2026-01-01T00:00:00+00:00")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def a_config(**changes: object) -> RunConfig:
    return build_config({"task": "toy", "seed": 1, "attempts": 40, "migration_every": 5, **changes})


def a_run(archive: Archive, config: RunConfig) -> Run:
    return new_run(archive, config, TASK, PROGRAMS, "test", CLOCK.timestamp())


async def a_driver(archive: Archive, run: Run, config: RunConfig, backend: FakeBackend) -> tuple[Driver, FakeProposer]:
    session, stages = await a_session(archive, run, config, backend, TASK)
    proposer = FakeProposer()
    progress = Progress(task="toy", run_id=run.id)
    return Driver(session, proposer, stages, progress, in_flight=4, clock=CLOCK), proposer


def drive(archive: Archive, run: Run, config: RunConfig, backend: FakeBackend) -> str:
    async def scene() -> str:
        driver, _ = await a_driver(archive, run, config, backend)
        return await driver.evolve()

    return asyncio.run(scene())


def a_finished_run(archive: Archive, pace: int = 0, slots: int = 2, **changes: object) -> list[Attempt]:
    config = a_config(**changes)
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend(slots, pace))
    return archive.attempts(run.id)


def test_every_attempt_is_told_once_and_ends(archive: Archive) -> None:
    attempts = a_finished_run(archive)
    assert [attempt.index for attempt in attempts] == list(range(40))
    assert all(attempt.state.is_final for attempt in attempts)
    assert sorted(attempt.tell_order or 0 for attempt in attempts) == list(range(40))


def test_rejected_attempts_say_why_and_use_no_evaluation(archive: Archive) -> None:
    config = a_config()
    run = a_run(archive, config)
    backend = FakeBackend()
    drive(archive, run, config, backend)
    attempts = archive.attempts(run.id)
    duplicates = [a for a in attempts if a.rejection.startswith("duplicate")]
    assert duplicates
    assert all(a.neighbour_id and a.state is AttemptState.REJECTED for a in duplicates)
    assert any(a.rejection == "no program: no idea" for a in attempts)
    asked = [(r.source, r.tier, r.split) for r in backend.requests]
    assert len(asked) == len(set(asked))


def test_a_program_that_fails_smoke_gets_no_quick_evaluation(archive: Archive) -> None:
    config = a_config()
    backend = FakeBackend()
    drive(archive, a_run(archive, config), config, backend)
    crashed = [request.tier for request in backend.requests if "crash" in request.source]
    assert crashed
    assert set(crashed) == {Tier.SMOKE}


@pytest.mark.parametrize(("pace", "slots"), [(1, 1), (2, 2), (3, 7)])
def test_index_order_gives_the_same_attempts_whatever_the_timing(tmp_path: Path, pace: int, slots: int) -> None:
    found = []
    for number, (this_pace, this_slots) in enumerate([(0, 2), (pace, slots)]):
        with Archive.open(f"sqlite:///{tmp_path}/{number}.db") as archive:
            attempts = a_finished_run(archive, this_pace, this_slots, order="index")
            found.append([(a.index, a.parent_id, a.candidate_id, a.state, a.tell_order, a.rejection) for a in attempts])
    assert found[0] == found[1]
    assert [order for *_, order, _ in found[0]] == list(range(40))


def test_no_more_evaluations_run_than_there_are_slots(archive: Archive) -> None:
    config = a_config()
    backend = FakeBackend(slots=3)
    drive(archive, a_run(archive, config), config, backend)
    assert 1 < backend.most_running <= 3


def test_an_evaluation_budget_is_met_exactly(archive: Archive) -> None:
    attempts = a_finished_run(archive, attempts=None, evaluations=10)
    assert sum(attempt.state is AttemptState.RECORDED for attempt in attempts) == 10


def test_patience_and_target_end_a_run(archive: Archive) -> None:
    config = a_config(attempts=None, patience=15)
    assert "15 attempts brought nothing better" in drive(archive, a_run(archive, config), config, FakeBackend())
    config = a_config(attempts=None, target=0.9)
    assert "target score 0.9" in drive(archive, a_run(archive, config), config, FakeBackend())


def test_validations_stay_a_tenth_of_the_evaluations(archive: Archive) -> None:
    config = a_config(attempts=100)
    backend = FakeBackend()
    drive(archive, a_run(archive, config), config, backend)
    validations = [(r.source, r.secret) for r in backend.requests if r.split is Split.VALIDATION]
    searches = [r for r in backend.requests if r.split is Split.SEARCH and r.tier is Tier.SMOKE]
    assert 1 <= len(validations) <= 1 + len(searches) / 10
    assert len(validations) == len(set(validations))


def looks_of(backend: FakeBackend) -> set[tuple[str, str]]:
    """Programs scored on fresh validation seeds, with the secrets of these."""
    return {(r.source, r.secret) for r in backend.requests if r.secret}


def test_the_champion_is_looked_at_on_fresh_validation_seeds(archive: Archive) -> None:
    config = a_config(attempts=120, look_every=30)
    backend = FakeBackend()
    drive(archive, a_run(archive, config), config, backend)
    looks = looks_of(backend)
    rounds = {secret for _, secret in looks}
    assert len(rounds) >= 2
    for secret in rounds:
        sources = {source for source, of in looks if of == secret}
        assert len(sources) == 2
        assert "# initial\n" in sources


def test_looks_can_be_left_out(archive: Archive) -> None:
    config = a_config(attempts=60, look_every=0)
    backend = FakeBackend()
    drive(archive, a_run(archive, config), config, backend)
    assert not looks_of(backend)


def test_index_order_gives_the_same_looks_whatever_the_timing(tmp_path: Path) -> None:
    found = []
    for pace, slots in [(0, 2), (3, 7)]:
        with Archive.open(f"sqlite:///{tmp_path}/{pace}.db") as archive:
            config = a_config(order="index", attempts=100, look_every=20)
            backend = FakeBackend(slots, pace)
            drive(archive, a_run(archive, config), config, backend)
            found.append(looks_of(backend))
    assert found[0]
    assert found[0] == found[1]


class StoppingBackend(FakeBackend):
    """Stops or breaks at a given request, as a kill would."""

    def __init__(self, at: int, pace: int) -> None:
        super().__init__(pace=pace)
        self._left = at

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        self._left -= 1
        if self._left < 0:
            raise BackendError("the machine went away")
        return await super().evaluate(request)


@pytest.mark.parametrize(
    ("first_break", "settings"),
    [
        *((first_break, {"order": order}) for first_break in (3, 9, 20, 33) for order in ("index", "completion")),
        (9, {"order": "index", "sampler": "map_elites"}),
        (20, {"order": "index", "sampler": "pareto"}),
        (33, {"order": "index", "new_island_after": 3}),
        (21, {"order": "index", "islands": 3, "restart_every": 9}),
    ],
)
def test_a_run_broken_again_and_again_ends_as_if_it_never_was(
    tmp_path: Path, first_break: int, settings: dict[str, object]
) -> None:
    config = a_config(**settings)
    with Archive.open(f"sqlite:///{tmp_path}/whole.db") as archive:
        run = a_run(archive, config)
        drive(archive, run, config, FakeBackend())
        whole = archive.attempts(run.id)
    with Archive.open(f"sqlite:///{tmp_path}/broken.db") as archive:
        run = a_run(archive, config)
        finished: set[tuple[str, Tier, Split]] = set()
        for at in (first_break, 5, 7):
            backend = StoppingBackend(at, pace=at)
            with pytest.raises(BackendError, match="went away"):
                drive(archive, run, config, backend)
            stored = [s for s in archive.evaluations_of_run(run.id) if s.evaluation.outcome is not Outcome.STOPPED]
            now = {(s.candidate_id, s.evaluation.tier, s.evaluation.split) for s in stored}
            assert finished <= now
            assert len(now) == len(stored)
            finished = now
        drive(archive, run, config, FakeBackend())
        broken = archive.attempts(run.id)
    assert [a.index for a in broken] == list(range(40))
    assert all(a.state.is_final for a in broken)
    if config.order is Order.INDEX:
        assert [(a.candidate_id, a.parent_id, a.tell_order) for a in broken] == [
            (a.candidate_id, a.parent_id, a.tell_order) for a in whole
        ]


def test_stop_ends_at_once_and_resume_goes_on(archive: Archive) -> None:
    config = a_config()
    run = a_run(archive, config)

    async def scene() -> str:
        driver, proposer = await a_driver(archive, run, config, FakeBackend())
        evolving = asyncio.create_task(driver.evolve())
        while proposer.calls < 10:
            await asyncio.sleep(0)
        driver.stop()
        return await evolving

    assert asyncio.run(scene()) == STOPPED
    assert len(archive.attempts(run.id)) < 40
    drive(archive, run, config, FakeBackend())
    assert sum(a.state.is_final for a in archive.attempts(run.id)) == 40


def test_a_reply_that_was_stored_is_not_asked_for_again(archive: Archive) -> None:
    config = a_config()
    run = a_run(archive, config)
    with pytest.raises(BackendError):
        drive(archive, run, config, StoppingBackend(12, pace=0))
    replied = sum(a.state is not AttemptState.ASKED for a in archive.attempts(run.id))

    async def scene() -> int:
        driver, proposer = await a_driver(archive, run, config, FakeBackend())
        await driver.evolve()
        return proposer.calls

    assert asyncio.run(scene()) == 40 - replied
