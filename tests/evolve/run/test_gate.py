from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.records import Attempt, FounderRole, NoteKind, Run
from archive.store import Archive
from evaluators.toy import PROBLEM
from evolve.config import RunConfig, build_config
from evolve.errors import BackendError
from evolve.llm.embedder import Embedder
from evolve.llm.retrying import RetryPolicy
from evolve.novelty.neighbours import Neighbours
from evolve.programs import Program
from evolve.run.driver import Clock, Driver
from evolve.run.gate import Gate
from evolve.run.progress import Progress
from evolve.run.session import new_run
from tests.evolve.fakes import FakeBackend, FakeProposer
from tests.evolve.run.test_driver import StoppingBackend
from tests.evolve.sessions import a_session

PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source="# 0 initial\n"),)
CLOCK = Clock(elapsed_s=lambda: 0.0, timestamp=lambda: "2026-01-01T00:00:00+00:00")
KINDS = 16


class Kinds:
    """Programs of one kind have the same embedding, those of others are at right angles: the kind is in the text."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def embed(self, text: str) -> tuple[float, ...]:
        self.asked.append(text)
        for _ in range(len(text) % 5):
            await asyncio.sleep(0)
        return tuple(float(kind == kind_of(text)) for kind in range(KINDS))


def kind_of(source: str) -> int:
    words = source.split()
    return int(words[1]) % KINDS if words[1].isdecimal() else KINDS - 1


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def a_config(action: str) -> RunConfig:
    values = {"task": "toy", "seed": 1, "attempts": 40, "order": "index", "near_duplicates": action}
    return build_config({**values, "embedding": {"name": "kinds"}})


def a_run(archive: Archive, config: RunConfig) -> Run:
    return new_run(archive, config, PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp())


def drive(archive: Archive, run: Run, config: RunConfig, backend: FakeBackend, model: Kinds | None) -> Neighbours:
    async def scene() -> Neighbours:
        session, stages = await a_session(archive, run, config, backend)
        embedder = Embedder("kinds", archive, model, RetryPolicy(), now=lambda: 0.0, sleep=asyncio.sleep)
        progress = Progress(task="toy", run_id=run.id)
        gate = Gate(session, CLOCK.timestamp, embedder)
        await Driver(session, FakeProposer(), stages, progress, 4, CLOCK, gate).evolve()
        return session.neighbours

    return asyncio.run(scene())


def story(attempts: list[Attempt]) -> list[object]:
    return [(a.index, a.candidate_id, a.parent_id, a.rejection, a.neighbour_id, a.tell_order) for a in attempts]


def a_story(archive: Archive, config: RunConfig, model: Kinds | None) -> list[object]:
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend(), model)
    return story(archive.attempts(run.id))


def test_near_programs_are_rejected_and_the_row_names_the_neighbour(archive: Archive) -> None:
    config = a_config("reject")
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend(), Kinds())
    attempts = archive.attempts(run.id)
    near = [a for a in attempts if a.rejection == "near duplicate (cosine 1.0000)"]
    assert len(near) > 5
    for attempt in near:
        sources = archive.sources([attempt.candidate_id or "", attempt.neighbour_id or ""])
        assert len({kind_of(source) for source in sources.values()}) == 1
        assert len(sources) == 2
    passed = archive.sources(a.candidate_id for a in attempts if a.candidate_id and not a.rejection)
    kinds = [kind_of(source) for source in passed.values()]
    assert len(kinds) == len(set(kinds))
    assert kind_of(PROGRAMS[0].source) not in kinds  # near to the parent


def test_flagged_programs_are_evaluated_and_a_note_names_the_neighbour(archive: Archive) -> None:
    config = a_config("flag")
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend(), Kinds())
    attempts = {a.index: a for a in archive.attempts(run.id)}
    notes = [note for note in archive.notes_for(run.id) if note.kind is NoteKind.RESEMBLES]
    assert len(notes) > 5
    for note in notes:
        attempt = attempts[note.attempt_index or 0]
        assert attempt.candidate_id == note.candidate_id
        assert not attempt.rejection
        assert archive.candidate(note.text.split()[0]).id != note.candidate_id
        assert note.text.endswith("(cosine 1.0000)")
    assert not any(a.rejection.startswith("near") for a in attempts.values())


def test_a_broken_run_ends_like_a_whole_one_which_asks_for_each_program_once(tmp_path: Path) -> None:
    config = a_config("reject")
    model = Kinds()
    with Archive.open(f"sqlite:///{tmp_path}/whole.db") as archive:
        whole = a_story(archive, config, model)
    assert len(model.asked) == len(set(model.asked))
    with Archive.open(f"sqlite:///{tmp_path}/broken.db") as archive:
        run = a_run(archive, config)
        for at in (4, 3):
            with pytest.raises(BackendError):
                drive(archive, run, config, StoppingBackend(at, pace=at), model)
        drive(archive, run, config, FakeBackend(), model)
        assert story(archive.attempts(run.id)) == whole


def test_a_run_is_repeated_without_the_server(archive: Archive) -> None:
    config = a_config("reject")
    assert a_story(archive, config, Kinds()) == a_story(archive, config, None)


def test_without_embeddings_nothing_is_near(archive: Archive) -> None:
    config = a_config("reject")
    run = a_run(archive, config)
    assert len(drive(archive, run, config, FakeBackend(), None)) == 0
    assert not any(a.rejection.startswith("near") for a in archive.attempts(run.id))


def test_what_is_known_is_known_again_after_a_restart(archive: Archive) -> None:
    config = a_config("reject")
    run = a_run(archive, config)
    live = drive(archive, run, config, FakeBackend(), Kinds())
    again = drive(archive, run, config, FakeBackend(), Kinds())
    ids = {a.candidate_id or "" for a in archive.attempts(run.id)} | {f.candidate_id for f in archive.founders(run.id)}
    assert {i for i in ids if i in live} == {i for i in ids if i in again}
    assert len(live) == len(again) > 5
