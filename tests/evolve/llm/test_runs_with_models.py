"""Whole searches with models that are played, in this process: bandit, repairs, budgets, replay, resume."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from archive.queries import usage
from archive.records import Attempt, FounderRole, ModelReply, NoteKind, Run
from archive.store import Archive
from evaluators.contract import PlannerClock
from evaluators.figures import significant
from evaluators.toy import PROBLEM
from evolve.config import RunConfig, build_config
from evolve.llm.advice import Advisor
from evolve.llm.briefing import Desk
from evolve.llm.caller import Caller
from evolve.llm.heights import regime_means
from evolve.llm.lessons import Scratchpad
from evolve.llm.model import Completion, Finish, ModelCall, ModelFailure, ModelSpec
from evolve.llm.notebook import Subject
from evolve.llm.prices import Price, PriceTable
from evolve.llm.proposer import Asker, ModelProposer
from evolve.llm.purse import Purse
from evolve.llm.recording import RecordedAsker, is_recording, read_recording, record_run, recording_text
from evolve.llm.retrying import RetryPolicy
from evolve.parsing.examine import examine
from evolve.parsing.verdict import Verdict
from evolve.programs import Program
from evolve.repetition import repeated_config
from evolve.run.driver import Clock, Driver
from evolve.run.progress import Progress
from evolve.run.session import RunIdentity, founding_members, new_run, restore, split_secrets
from evolve.run.stages import Stages
from tests.evolve.fakes import FakeBackend
from tests.evolve.llm.doubles import StillClock

INITIAL = "import math\n\n# EVOLVE-BLOCK-START\nX = 1\n\n\ndef guess(hints):\n    return X\n\n\n# EVOLVE-BLOCK-END\n"
PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source=INITIAL),)
MODELS = (ModelSpec(name="big"), ModelSpec(name="small", temperatures=(0.2, 0.9)))
PRICES = PriceTable(declared={"big": Price(10.0, 30.0), "small": Price(1.0, 3.0)})
CLOCK = Clock(elapsed_s=lambda: 0.0, timestamp=lambda: "2026-01-01T00:00:00+00:00")


@dataclass
class Writer:
    """Answers by what the prompt hashes to: a program, a patch that does not fit, bad syntax, silence, a crash."""

    spec: ModelSpec
    calls: int = 0

    async def complete(self, call: ModelCall) -> Completion:
        self.calls += 1
        prompt = "".join(message.text for message in call.messages)
        draw = int.from_bytes(hashlib.sha256(f"{prompt}{call.temperature}{self.spec.name}".encode()).digest()[:4])
        for _ in range(draw % 7):
            await asyncio.sleep(0)
        if draw % 11 == 0:
            raise ModelFailure(Finish.SERVER_ERROR, "as played", latency_s=0.0)
        text = self._reply(draw)
        if "write the lessons" in prompt:
            text = f"Worked\n- lesson {draw}"
        if "Write one more piece of advice" in prompt:
            text = f"Look at step {draw} first."
        return Completion(text=text, finish=Finish.STOP, prompt_tokens=1000, reply_tokens=len(text), latency_s=0.1)

    def _reply(self, draw: int) -> str:
        body = f"X = {draw % 9973}\n\n\ndef guess(hints):\n    return X\n"
        if draw % 5 == 1:
            return "<<<<<<< SEARCH\nnot there at all\n=======\nX = 2\n>>>>>>> REPLACE\n"
        if draw % 5 == 2:
            body += "    return (\n"
        if draw % 5 == 3:
            body += "    # crash\n"
        return f"CHANGE: X is {draw % 9973}\n```python\n# EVOLVE-BLOCK-START\n{body}# EVOLVE-BLOCK-END\n```\n"


class ParserHere:
    """The parser without its sandbox: what is parsed here was written above."""

    async def parse(self, source: str) -> Verdict:
        return examine(source)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def a_config(**changes: object) -> RunConfig:
    values = {"task": "toy", "seed": 1, "attempts": 60, "proposer": "openai", "models": MODELS, "order": "index"}
    return build_config({**values, "operators": ("diff", "full", "crossover", "repair", "simplify"), **changes})


def a_caller(archive: Archive, run: Run, config: RunConfig, writers: dict[str, Writer]) -> Caller:
    used = usage(archive, run.id)
    purse = Purse(config.usd, config.tokens, spent_usd=used.price_usd, spent_tokens=used.reply_tokens)
    clock = StillClock()
    policy = RetryPolicy(max_tries=2)
    return Caller(run.id, writers, PRICES, purse, archive, now=clock.now, sleep=clock.sleep, policy=policy)


def drive(archive: Archive, run: Run, config: RunConfig, asker: Asker, stop_after: int | None = None) -> str:
    """Drive `run` to its end, or until so many attempts of this session were told."""

    async def scene() -> str:
        backend = FakeBackend(2, pace=3)
        secrets = split_secrets(archive, run, PROBLEM.task)
        stages = Stages(archive, backend, PROBLEM.task, secrets, PlannerClock.MEASURED, run.id)
        founders = archive.founders(run.id)
        scored = {f.candidate_id: await stages.search(archive.candidate(f.candidate_id)) for f in founders}
        session = restore(archive, run, config, founders, founding_members(founders, scored, stages.task), stages)
        desk = Desk(archive, run.id, PROBLEM.task, stages, config.models)
        task = PROBLEM.task
        subject = Subject(archive=archive, run_id=run.id, task=task, stages=stages, timestamp=CLOCK.timestamp)
        scratchpad, advisor = Scratchpad(subject, config.lessons_every), Advisor(subject, config.advice_every)
        proposer = ModelProposer(run.id, PROBLEM.task, desk, asker, archive, ParserHere(), scratchpad, advisor)
        progress = Progress(task="toy", run_id=run.id)
        driver = Driver(session, proposer, stages, progress, in_flight=6, clock=CLOCK)
        driving = asyncio.create_task(driver.evolve())
        while stop_after is not None and progress.told < stop_after and not driving.done():
            await asyncio.sleep(0)
        if stop_after is not None:
            driver.stop()
        return await driving

    return asyncio.run(scene())


def a_run(archive: Archive, config: RunConfig) -> tuple[Run, dict[str, Writer]]:
    run = new_run(archive, config, PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp())
    return run, {spec.name: Writer(spec) for spec in config.models}


def a_driven_run(archive: Archive, **changes: object) -> tuple[Run, dict[str, Writer], str]:
    config = a_config(**changes)
    run, writers = a_run(archive, config)
    reason = drive(archive, run, config, a_caller(archive, run, config, writers))
    return run, writers, reason


def fates(archive: Archive, run_id: str) -> list[Attempt]:
    return [replace(attempt, run_id="") for attempt in archive.attempts(run_id)]


def calls(archive: Archive, run_id: str) -> list[ModelReply]:
    rows = [row for attempt in archive.attempts(run_id) for row in archive.replies(run_id, attempt.index)]
    return [replace(row, run_id="") for row in rows]


def test_every_ending_of_a_call_is_an_attempt_with_its_reason(archive: Archive) -> None:
    run, writers, reason = a_driven_run(archive)
    attempts = archive.attempts(run.id)
    assert (reason, len(attempts)) == ("all 60 attempts were made", 60)
    assert {attempt.proposer for attempt in attempts} == {"big", "small"}
    assert {attempt.operator for attempt in attempts} == {"diff", "full", "crossover", "repair", "simplify"}
    rejections = Counter(attempt.rejection.partition(":")[0].partition(" at line")[0] for attempt in attempts)
    assert rejections[""] > 20
    assert rejections["no program"] > 0
    assert any("line" in attempt.rejection and attempt.candidate_id for attempt in attempts)  # kept, though it is bad
    rows = calls(archive, run.id)
    assert len(rows) == sum(writer.calls for writer in writers.values())
    assert {row.finish_reason.partition(":")[0] for row in rows} == {"stop", "server_error"}
    assert all(row.price_usd is not None for row in rows)


def test_a_reply_that_cannot_be_used_is_sent_back_once(archive: Archive) -> None:
    run, _, _ = a_driven_run(archive)
    answered = {
        attempt.index: [row for row in archive.replies(run.id, attempt.index) if row.finish_reason == "stop"]
        for attempt in archive.attempts(run.id)
    }
    assert {len(rows) for rows in answered.values()} <= {0, 1, 2}
    repaired = [rows for rows in answered.values() if len(rows) == 2]
    assert len(repaired) > 5
    assert all('"assistant"' in rows[1].prompt for rows in repaired)


@pytest.mark.parametrize("every", [0, 10])
def test_a_replay_ends_in_the_same_archive_and_asks_nobody(archive: Archive, tmp_path: Path, every: int) -> None:
    run, _, _ = a_driven_run(archive, lessons_every=every, advice_every=every)
    path = tmp_path / "run.replies.jsonl"
    path.write_text(recording_text(record_run(archive, run)))
    assert is_recording(path)
    recording = read_recording(path)
    with Archive.open(f"sqlite:///{tmp_path}/elsewhere.db") as other:
        config = repeated_config(recording, 0, {"replies": str(path)})
        identity = RunIdentity(recording.seed, recording.secret)
        again = new_run(other, config, PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp(), identity)
        drive(other, again, config, RecordedAsker(again.id, recording.attempts, other))
        assert fates(other, again.id) == fates(archive, run.id)
        assert calls(other, again.id) == calls(archive, run.id)
        assert other.bandit_states(again.id) == [replace(row, run_id=again.id) for row in archive.bandit_states(run.id)]


def test_a_stopped_run_goes_on_without_buying_a_reply_twice(archive: Archive) -> None:
    config = a_config()
    run, writers = a_run(archive, config)
    drive(archive, run, config, a_caller(archive, run, config, writers), stop_after=20)
    before = {(row.attempt_index, row.ordinal): row for row in calls(archive, run.id)}
    bought = sum(writer.calls for writer in writers.values())
    drive(archive, run, config, a_caller(archive, run, config, writers))
    after = {(row.attempt_index, row.ordinal): row for row in calls(archive, run.id)}
    assert before.items() <= after.items()
    attempts = archive.attempts(run.id)
    assert sorted(attempt.tell_order or 0 for attempt in attempts) == list(range(60))
    in_flight_then = bought - len(before)
    assert 0 <= in_flight_then <= 8
    assert sum(writer.calls for writer in writers.values()) == len(after) + in_flight_then


@pytest.mark.parametrize("usd", [0.3, 1.0])
def test_no_more_is_spent_than_the_budget_and_what_was_paid_is_used(archive: Archive, usd: float) -> None:
    run, _, reason = a_driven_run(archive, usd=usd, attempts=None)
    assert "leaves no room" in reason
    assert 0.3 * usd < usage(archive, run.id).price_usd <= usd
    assert all(attempt.state.is_final for attempt in archive.attempts(run.id))


def test_the_bandit_prefers_the_cheap_one_of_equals(archive: Archive) -> None:
    run, _, _ = a_driven_run(archive, attempts=150, price_weight=1.0, order="completion")
    late = Counter(attempt.proposer for attempt in archive.attempts(run.id) if attempt.index >= 75)
    assert late["small"] > late["big"]
    states = archive.bandit_states(run.id)
    assert {row.num_tells for row in states} == set(range(10, 151, 10))


def test_hints_reach_the_next_prompt_and_figures_of_other_splits_never(archive: Archive) -> None:
    run, _, _ = a_driven_run(archive, attempts=20)
    said: dict[bool, set[str]] = {True: set(), False: set()}
    for row in archive.evaluations_of_run(run.id):
        figures = [row.evaluation.objective or 0.0, *regime_means(row.evaluation.instances).values()]
        said[row.evaluation.split == "search"].update(significant(figure) for figure in figures)
    others = {text for text in said[False] - said[True] if len(text) >= len("0.1234")}
    prompts = [row.prompt for row in calls(archive, run.id)]
    assert others
    assert not any(figure in prompt for figure in others for prompt in prompts)
    assert not any(archive.holdout_secret() in prompt or run.secret in prompt for prompt in prompts)


def test_lessons_are_written_now_and_then_and_read_by_later_prompts(archive: Archive) -> None:
    run, _, _ = a_driven_run(archive, lessons_every=10)
    lessons = [note for note in archive.notes_for(run.id) if note.kind is NoteKind.LESSON]
    asked = [row for row in calls(archive, run.id) if "write the lessons" in row.prompt]
    assert 3 <= len(lessons) <= 5
    assert {row.reply for row in asked if row.finish_reason == "stop"} == {note.text for note in lessons}
    assert any("gain" in row.prompt for row in asked)
    prompts = [row.prompt for row in calls(archive, run.id) if "write the lessons" not in row.prompt]
    assert any(lessons[0].text.splitlines()[-1] in prompt for prompt in prompts)


def test_advice_is_written_now_and_then_and_each_attempt_says_which_it_carried(archive: Archive) -> None:
    run, _, _ = a_driven_run(archive, advice_every=8, attempts=100)
    pieces = {note.attempt_index: note.text for note in archive.notes_for(run.id, NoteKind.ADVICE)}
    assert len(pieces) >= 6
    carried = Counter[str]()
    for attempt in archive.attempts(run.id):
        prompt = next(row.prompt for row in reversed(archive.replies(run.id, attempt.index)))
        _, _, number = attempt.operator.partition("+advice ")
        assert [piece in prompt for piece in pieces.values() if "Write one more" not in prompt].count(True) <= 1
        if number:
            assert pieces[int(number)] in prompt
        carried[number] += 1
    assert carried[""] > 5
    assert len(carried) >= 4


def test_a_stopped_run_with_advice_and_lessons_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    ends = []
    for stops in ((), (15, 40)):
        with Archive.open(f"sqlite:///{tmp_path}/stopped{len(stops)}.db") as archive:
            config = a_config(advice_every=8, lessons_every=12)
            run, writers = a_run(archive, config)
            for stop_after in (*stops, None):
                drive(archive, run, config, a_caller(archive, run, config, writers), stop_after=stop_after)
            ends.append(len([note for note in archive.notes_for(run.id) if note.kind is NoteKind.ADVICE]))
            assert all(attempt.state.is_final for attempt in archive.attempts(run.id))
    assert min(ends) >= 4
