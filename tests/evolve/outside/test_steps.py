"""Answers from outside: a `tell` that was killed, another answer after it, and budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from archive.records import OUTSIDE, AttemptState, ModelReply, Run, RunStatus
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock, Tier
from evaluators.protocol import EvaluateRequest
from evaluators.toy import PROBLEM
from evolve.cli.asking import next_step, told_text
from evolve.config import RunConfig, build_config
from evolve.errors import BackendError, RunError
from evolve.llm.caller import Answered, Question
from evolve.llm.recording import RecordedAsker, record_run
from evolve.outside.steps import Asked, OutsideRun
from evolve.outside.telling import Told
from evolve.programs import founding_programs
from evolve.run.lifecycle import Lifecycle
from evolve.run.progress import Progress
from evolve.run.session import new_run, split_secrets
from evolve.run.stages import Stages
from tests.evolve.evaluations import a_failed_evaluation
from tests.evolve.fakes import FakeBackend
from tests.evolve.run.test_driver import CLOCK, StoppingBackend

REPLY = """CHANGE: {change}

```python
# EVOLVE-BLOCK-START
def guess(hints):
    return {value}


# EVOLVE-BLOCK-END
```
"""
ANSWER = REPLY.format(change="the mean", value="sum(hints) / len(hints)")
OTHER = REPLY.format(change="the least", value="min(hints)")


@dataclass(frozen=True)
class Scene:
    archive: Archive
    run: Run
    config: RunConfig

    @property
    def outside(self) -> OutsideRun:
        return OutsideRun(self.archive, self.run, self.config, PROBLEM)

    def ask(self) -> Asked:
        return asyncio.run(self.outside.ask(CLOCK.timestamp()))

    def tell(self, reply: str, backend: FakeBackend | None = None) -> Told:
        async def scene() -> Told:
            await self.outside.check(0, reply)
            return await self.outside.tell(0, reply, backend or FakeBackend(), CLOCK.timestamp())

        return asyncio.run(scene())

    def answer(self, reply: str, backend: FakeBackend | None = None) -> Told:
        """What comes of `reply` to the next ask."""
        index = self.ask().attempt
        return asyncio.run(self.outside.tell(index, reply, backend or FakeBackend(), CLOCK.timestamp()))

    def killed_tell(self, reply: str) -> None:
        with pytest.raises(BackendError):
            self.tell(reply, StoppingBackend(0, pace=0))


def a_scene(archive: Archive, **settings: object) -> Scene:
    """A run from outside whose founders are scored."""
    config = build_config({"task": "toy", "seed": 1, "proposer": "outside", "operators": ["full"], **settings})
    programs = founding_programs(PROBLEM.task.programs, [])
    run = new_run(archive, config, PROBLEM.task, programs, "test", CLOCK.timestamp())
    secrets = split_secrets(archive, run, PROBLEM.task)
    stages = Stages(archive, FakeBackend(), PROBLEM.task, secrets, PlannerClock.MEASURED, run.id)
    for founder in archive.founders(run.id):
        asyncio.run(stages.search(archive.candidate(founder.candidate_id)))
    return Scene(archive, run, config)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def test_an_answer_whose_tell_was_killed_is_scored_when_it_is_told_again(archive: Archive) -> None:
    scene = a_scene(archive, attempts=2)
    scene.ask()
    scene.killed_tell(ANSWER)
    assert archive.attempt(scene.run.id, 0).state is AttemptState.EVALUATING
    with pytest.raises(RunError, match="another answer already"):
        scene.tell(OTHER)
    assert scene.tell(ANSWER).score is not None
    assert archive.attempt(scene.run.id, 0).state is AttemptState.RECORDED


@pytest.mark.parametrize("order", ["completion", "index"])
def test_resume_scores_an_answer_whose_tell_was_killed(archive: Archive, order: str) -> None:
    scene = a_scene(archive, attempts=2, order=order)
    for _ in range(2):
        scene.ask()
    scene.killed_tell(ANSWER)
    lifecycle = Lifecycle(archive, scene.run, scene.config, PROBLEM, Progress(task="toy", run_id=scene.run.id))

    async def resumed() -> str:
        backend = FakeBackend()
        stages = lifecycle._stages(backend)
        return await lifecycle._search(scene.outside._restored(stages), stages, backend)

    assert asyncio.run(resumed()) == "1 attempt was told from outside"
    states = [attempt.state for attempt in archive.attempts(scene.run.id)]
    assert states == [AttemptState.RECORDED, AttemptState.ASKED]


def test_a_finished_run_that_asks_again_is_not_finished(archive: Archive) -> None:
    scene = a_scene(archive, attempts=2)
    archive.set_run_status(scene.run.id, RunStatus.FINISHED)
    scene.ask()
    assert archive.run(scene.run.id).status is RunStatus.INTERRUPTED


@pytest.mark.parametrize("judged", [False, True])
def test_what_is_told_counts_and_not_what_a_killed_tell_had_stored(archive: Archive, judged: bool) -> None:
    scene = a_scene(archive, attempts=1)
    scene.ask()
    left = [(OUTSIDE, "[]", OTHER), ("judge", '["of the other"]', "SAME: it is")]
    for ordinal, (model, prompt, reply) in enumerate(left[: 1 + judged]):
        archive.add_reply(
            ModelReply(
                run_id=scene.run.id,
                attempt_index=0,
                ordinal=ordinal,
                model=model,
                prompt=prompt,
                reply=reply,
                finish_reason="stop",
                prompt_tokens=0,
                reply_tokens=0,
                price_usd=0.0,
                latency_s=0.0,
            )
        )
    scene.tell(ANSWER)
    assert archive.attempt(scene.run.id, 0).change == "the mean"
    recording = record_run(archive, scene.run)
    assert recording.attempts[0].replies[-1].reply == ANSWER
    asker = RecordedAsker(scene.run.id, recording.attempts, Nowhere())
    question = Question(attempt_index=0, model=OUTSIDE, messages=())
    answer = asyncio.run(asker.ask(question, np.random.default_rng(0)))
    assert isinstance(answer, Answered)
    assert answer.completion.text == ANSWER


class Nowhere:
    """A ledger that keeps nothing."""

    def add_reply(self, reply: ModelReply) -> None:
        pass


@pytest.mark.parametrize(
    ("budget", "asks", "reason"),
    [
        ({"attempts": 1}, 1, "the only attempt was made; 1 asked before wait"),
        ({"evaluations": 1}, 1, "the only evaluation was used; 1 asked before wait"),
        ({"target": -1.0}, 0, "the target score -1 was reached"),
    ],
)
def test_nothing_is_asked_beyond_a_budget_and_what_to_do_is_said(
    archive: Archive, budget: dict[str, object], asks: int, reason: str
) -> None:
    scene = a_scene(archive, **budget)
    for _ in range(asks):
        scene.ask()
    with pytest.raises(RunError) as refused:
        scene.ask()
    assert reason in str(refused.value)
    assert f"evolve resume {scene.run.id}" in str(refused.value)


def test_a_program_that_was_stopped_is_told_why(archive: Archive) -> None:
    scene = a_scene(archive, attempts=40, racing=0.5, twins=False)
    reasons = []
    for index in range(6):
        scene.ask()
        reply = REPLY.format(change="a constant", value=f"{index}.5")

        async def tell(number: int = index, text: str = reply) -> Told:
            return await scene.outside.tell(number, text, FakeBackend(), CLOCK.timestamp())

        told = asyncio.run(tell())
        reasons += [told.reason] if told.outcome == "stopped" else []
    assert reasons
    assert all("worse than the parent by" in reason for reason in reasons)


STOPPED_ANSWERS = [REPLY.format(change="a constant", value=f"{number}.5") for number in range(6)]


def test_a_program_that_was_stopped_is_told_by_the_regimes_that_were_played(archive: Archive) -> None:
    scene = a_scene(archive, attempts=40, racing=0.5, twins=False)
    stopped = [told for told in map(scene.answer, STOPPED_ANSWERS) if told.outcome == "stopped"]
    assert stopped
    for told in stopped:
        assert 0 < told.played < 12
        assert f"on {told.played} of 12 instances" in told.reason
        assert told.regimes.keys() == told.changes.keys() == {"odd", "even"}
        assert sum(told.changes.values()) < 0
        lines = told_text(told).splitlines()
        assert lines[1] == f"  on the {told.played} instances played (and against the parent on these):"
        assert f"  odd: {told.regimes['odd']:.4f} ({told.changes['odd']:+.4f})" in lines[2:]


def test_a_scored_program_is_told_with_each_regimes_change(archive: Archive) -> None:
    scene = a_scene(archive, attempts=2, racing=0.0)
    told = scene.answer(ANSWER)
    assert told.score is not None
    assert sum(told.changes.values()) / 2 == pytest.approx(told.score - told.parent_score)
    assert f"  even: {told.regimes['even']:.4f} ({told.changes['even']:+.4f})" in told_text(told)


def test_a_failure_names_its_tier_and_its_feedback_is_said_to_be_no_score(archive: Archive) -> None:
    class Checked(FakeBackend):
        def finished(self, request: EvaluateRequest) -> Evaluation:
            return replace(super().finished(request), feedback="odd: 0.9\neven: crashed")

    told = a_scene(archive).answer(REPLY.format(change="none", value="'crash'"), Checked())
    assert (told.outcome, told.tier, told.regimes) == ("crashed", "smoke", {})
    lines = told_text(told).splitlines()
    assert lines[0] == "attempt 0: crashed in the tier smoke. it failed"
    assert "nothing below is a score" in lines[lines.index("odd: 0.9") - 1]


def test_an_end_that_is_ours_is_not_called_a_rejection(archive: Archive) -> None:
    class Broken(FakeBackend):
        def finished(self, request: EvaluateRequest) -> Evaluation:
            if request.tier is Tier.QUICK:
                return a_failed_evaluation(Outcome.INFRASTRUCTURE)
            return super().finished(request)

    assert a_scene(archive).answer(ANSWER, Broken()).outcome == "infrastructure"


def test_who_has_told_learns_what_resume_does_and_how_much_is_left(archive: Archive) -> None:
    scene = a_scene(archive, attempts=3, racing=0.0)
    first = scene.answer(ANSWER)
    assert next_step(first).startswith(f"next: evolve ask {scene.run.id} (2 attempts left), or end with: evolve resume")
    assert next_step(first).endswith("which judges what there is")
    scene.ask()
    last = scene.answer(OTHER)
    assert (last.attempts_left, last.waiting) == (0, 1)
    assert "the 1 attempt asked for and not answered" in next_step(last)
    assert next_step(replace(last, waiting=0)).startswith("no attempts are left; end with: evolve resume")
