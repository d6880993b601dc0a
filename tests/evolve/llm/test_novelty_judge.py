"""Runs whose near programs a model judges: the stand-in server answers, everything else is played in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archive.queries import usage
from archive.records import Attempt, FounderRole, ModelReply, Note, NoteKind, Run
from archive.store import Archive
from evaluators.toy import PROBLEM
from evolve.config import RunConfig, build_config
from evolve.llm.caller import Answered, GaveUp, Question
from evolve.llm.embedder import Embedder
from evolve.llm.model import ModelSpec
from evolve.llm.prices import Price
from evolve.llm.proposer import Asker
from evolve.llm.recording import record_run
from evolve.llm.retrying import RetryPolicy
from evolve.programs import Program
from evolve.proposing import novelty_judge, open_asker
from evolve.repetition import repeated_config
from evolve.run.driver import Clock, Driver
from evolve.run.gate import Gate
from evolve.run.progress import Progress
from evolve.run.session import RunIdentity, new_run
from tests.evolve.fakes import FakeBackend, FakeProposer
from tests.evolve.sessions import a_session
from tests.fake_openai import FakeModel, FakeOpenAI, Fault, FaultPlan, fake_openai

PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source="# 0 initial\n"),)
CLOCK = Clock(elapsed_s=lambda: 0.0, timestamp=lambda: "2026-01-01T00:00:00+00:00")
LOTS = FakeModel(name="judge", quality=0.8)  # the same, different, or talk: drawn by the prompt


class AllAlike:
    """Every program has the same embedding."""

    async def embed(self, text: str) -> tuple[float, ...]:
        del text
        return (1.0, 0.0)


class KilledError(Exception):
    """Stands for a kill."""


class KilledAsker:
    """Dies when the n-th answer is a row, before anything acts on it."""

    exhausted = ""

    def __init__(self, asker: Asker, answers: int) -> None:
        self._asker = asker
        self._left = answers

    async def ask(self, question: Question, rng: np.random.Generator) -> Answered | GaveUp:
        if self._left <= 0:
            await asyncio.Event().wait()  # the dead ask for nothing
        answer = await self._asker.ask(question, rng)
        self._left -= 1
        if self._left <= 0:
            raise KilledError
        return answer


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def a_config(url: str, **changes: object) -> RunConfig:
    values = {"task": "toy", "seed": 1, "attempts": 20, "order": "index", "near_duplicates": "judge"}
    judge = ModelSpec(name="judge", base_url=url, max_tokens=200, try_timeout_s=5.0)
    return build_config({**values, "embedding": {"name": "alike"}, "judge": judge, **changes})


def a_run(archive: Archive, config: RunConfig, identity: RunIdentity | None = None) -> Run:
    return new_run(archive, config, PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp(), identity)


def drive(archive: Archive, run: Run, config: RunConfig, kill_at: int | None = None) -> None:
    """The run to its end, or until the judge has given so many answers."""

    async def scene() -> None:
        session, stages = await a_session(archive, run, config, FakeBackend())
        embedder = Embedder("alike", archive, AllAlike(), RetryPolicy(), now=lambda: 0.0, sleep=asyncio.sleep)
        async with open_asker(archive, run, config) as asker:
            assert asker is not None
            judging = asker if kill_at is None else KilledAsker(asker, kill_at)
            judge = novelty_judge(archive, run, config, PROBLEM.task, judging)
            gate = Gate(session, CLOCK.timestamp, embedder, judge)
            progress = Progress(task="toy", run_id=run.id)
            await Driver(session, FakeProposer(), stages, progress, 4, CLOCK, gate).evolve()

    asyncio.run(scene())


def a_judged_run(archive: Archive, *models: FakeModel, **changes: object) -> tuple[Run, FakeOpenAI]:
    with fake_openai(*models) as server:
        config = a_config(server.url, **changes)
        run = a_run(archive, config)
        drive(archive, run, config)
        return run, server


def rows_of(archive: Archive, run: Run) -> list[ModelReply]:
    return [row for a in archive.attempts(run.id) for row in archive.replies(run.id, a.index)]


def content(archive: Archive, run: Run) -> tuple[list[Attempt], list[ModelReply], list[Note]]:
    """Everything that a repetition must bring again."""
    attempts = [replace(a, run_id="") for a in archive.attempts(run.id)]
    rows = [replace(row, run_id="", latency_s=0.0) for row in rows_of(archive, run)]
    return attempts, rows, sorted(near_notes(archive, run), key=lambda note: note.attempt_index or 0)


def near_notes(archive: Archive, run: Run) -> list[Note]:
    notes = [note for note in archive.notes_for(run.id) if note.kind is NoteKind.RESEMBLES]
    return [replace(note, run_id="") for note in notes]


def test_what_is_judged_the_same_is_rejected_with_neighbour_and_reason(archive: Archive) -> None:
    run, server = a_judged_run(archive, FakeModel(name="judge", text="SAME: a comment was\u202e changed"))
    judged = [a for a in archive.attempts(run.id) if "judged" in a.rejection]
    assert len(judged) > 5
    for attempt in judged:
        assert attempt.rejection == "near duplicate (cosine 1.0000, judged the same: a comment was changed)"
        assert attempt.neighbour_id
        (row,) = archive.replies(run.id, attempt.index)
        assert (row.model, row.finish_reason) == ("judge", "stop")
        for candidate_id in (attempt.candidate_id, attempt.neighbour_id):
            assert archive.candidate(candidate_id or "").source in row.prompt.replace("\\n", "\n")
    assert server.num_requests == len(judged)
    assert not near_notes(archive, run)
    assert not any(a.is_evaluation for a in archive.attempts(run.id))


def test_what_is_judged_different_is_evaluated_and_flagged(archive: Archive) -> None:
    run, server = a_judged_run(archive, FakeModel(name="judge", text="DIFFERENT: the limit moved"))
    attempts = {a.index: a for a in archive.attempts(run.id)}
    notes = near_notes(archive, run)
    assert server.num_requests == len(notes) > 5
    for note in notes:
        assert note.text.endswith("(cosine 1.0000, judged different: the limit moved)")
        assert attempts[note.attempt_index or 0].is_evaluation
    assert not any(a.rejection.startswith("near") for a in attempts.values())


@pytest.mark.parametrize(
    ("model", "ending", "why"),
    [
        (FakeModel(name="judge", text="They are the SAME: trust me."), "stop", "the answer is not one line with"),
        (FakeModel(name="judge", faults=FaultPlan(script=(Fault.EMPTY,) * 99)), "empty", "no answer"),
        (FakeModel(name="judge", faults=FaultPlan(script=(Fault.NOT_FOUND,) * 99)), "refused", "no answer"),
        (FakeModel(name="judge", faults=FaultPlan(script=(Fault.RUBBISH_JSON,) * 99)), "server_error", "no answer"),
    ],
    ids=["nonsense", "mute", "unknown", "broken"],
)
def test_a_judge_that_is_of_no_use_rejects_nothing(archive: Archive, model: FakeModel, ending: str, why: str) -> None:
    run, _ = a_judged_run(archive, model, attempts=6)
    notes = near_notes(archive, run)
    assert len(notes) > 3
    assert all(f"not judged: {why}" in note.text for note in notes)
    assert not any(a.rejection.startswith("near") for a in archive.attempts(run.id))
    rows = rows_of(archive, run)
    assert rows
    assert {row.finish_reason.partition(":")[0] for row in rows} == {ending}


def test_a_judge_that_hangs_is_waited_for_no_longer_than_its_time(archive: Archive) -> None:
    slow = FakeModel(name="judge", faults=FaultPlan(script=(Fault.HANG,) * 99))
    with fake_openai(slow) as server:
        config = a_config(server.url, attempts=3)
        assert config.judge is not None
        config = config.model_copy(update={"judge": replace(config.judge, try_timeout_s=0.05)})
        run = a_run(archive, config)
        drive(archive, run, config)
    assert {row.finish_reason.partition(":")[0] for row in rows_of(archive, run)} == {"timeout"}
    assert all("not judged: no answer" in note.text for note in near_notes(archive, run))
    assert len(near_notes(archive, run)) == 3


@pytest.mark.parametrize("kills", [(1,), (3, 2), (2, 2, 2)])
def test_a_killed_run_ends_like_a_whole_one_and_buys_no_verdict_twice(tmp_path: Path, kills: tuple[int, ...]) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/whole.db") as archive, fake_openai(LOTS) as server:
        config = a_config(server.url)
        run = a_run(archive, config)
        drive(archive, run, config)
        whole, bought = content(archive, run), server.num_replies
    assert {text.rejection[:4] for text in whole[0]} >= {"", "near", "dupl"}
    assert any("not judged" in note.text for note in whole[2])
    with Archive.open(f"sqlite:///{tmp_path}/killed.db") as archive, fake_openai(LOTS) as server:
        config = a_config(server.url)
        run = a_run(archive, config)
        for at in kills:
            with pytest.raises(KilledError):
                drive(archive, run, config, kill_at=at)
        drive(archive, run, config)
        assert content(archive, run) == whole
        assert server.num_replies == bought


def test_a_repetition_asks_nobody_and_ends_the_same(archive: Archive) -> None:
    run, _ = a_judged_run(archive, LOTS)
    recording = record_run(archive, archive.run(run.id))
    config = repeated_config(recording, 1, {"recorded_run": run.id})
    again = a_run(archive, config, RunIdentity(recording.seed, recording.secret))
    drive(archive, again, config)  # its server is gone
    assert content(archive, again) == content(archive, run)


def test_verdicts_count_against_the_budget_and_without_room_nothing_is_rejected(archive: Archive) -> None:
    limits = {"usd": 0.01, "model_prices": {"judge": Price(prompt=1.0, reply=20.0)}}
    run, server = a_judged_run(archive, FakeModel(name="judge", text="SAME: it is"), **limits)
    spent = usage(archive, run.id).price_usd
    assert 0 < spent <= 0.01
    judged = [a for a in archive.attempts(run.id) if "judged the same" in a.rejection]
    assert server.num_requests == len(judged) > 0
    unjudged = near_notes(archive, run)
    assert unjudged
    assert all("not judged: no answer" in note.text for note in unjudged)
    assert len(archive.attempts(run.id)) == 20  # programs cost nothing here: the run goes on


def test_in_the_order_of_completion_every_near_program_is_judged_too(archive: Archive) -> None:
    run, server = a_judged_run(archive, LOTS, order="completion")
    attempts = archive.attempts(run.id)
    assert all(a.state.is_final for a in attempts)
    assert any("judged the same" in a.rejection for a in attempts)
    assert server.num_replies == len(rows_of(archive, run))


def test_without_a_judge_to_ask_near_programs_are_flagged(archive: Archive) -> None:
    config = a_config("http://127.0.0.1:1/v1", attempts=5)
    run = a_run(archive, config)

    async def scene() -> None:
        session, stages = await a_session(archive, run, config, FakeBackend())
        embedder = Embedder("alike", archive, AllAlike(), RetryPolicy(), now=lambda: 0.0, sleep=asyncio.sleep)
        gate = Gate(session, CLOCK.timestamp, embedder)
        await Driver(session, FakeProposer(), stages, Progress(task="toy", run_id=run.id), 4, CLOCK, gate).evolve()

    asyncio.run(scene())
    assert not any(a.rejection.startswith("near") for a in archive.attempts(run.id))
    assert near_notes(archive, run)
