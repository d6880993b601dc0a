from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.queries import outcome_counts
from archive.records import Attempt, AttemptState, Candidate, FounderRole, Run
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock, Split, Tier
from evaluators.protocol import EvaluateRequest
from evaluators.racing import play_order
from evaluators.toy import PROBLEM
from evolve.cli.verifying import chosen_rows
from evolve.config import RunConfig, build_config
from evolve.novelty.behaviours import MOST_TWINS, Behaviours
from evolve.programs import Program
from evolve.run.driver import Clock, Driver
from evolve.run.progress import Progress
from evolve.run.races import RaceConfig, Raced, Races
from evolve.run.session import new_run, split_secrets
from evolve.run.stages import Stages
from evolve.run.standing import Session, asked_attempt
from evolve.search.request import Member, MutationRequest, Operator
from tests.evolve.evaluations import an_evaluation
from tests.evolve.fakes import FakeBackend, FakeProposer
from tests.evolve.sessions import a_session

PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source="# initial\n"),)
CLOCK = Clock(elapsed_s=lambda: 0.0, timestamp=lambda: "2026-01-01T00:00:00+00:00")


class Racetrack(FakeBackend):
    """Programs behave in one of six ways, which smoke tells apart in pairs only; races end as in a worker."""

    def finished(self, request: EvaluateRequest) -> Evaluation:
        evaluation = super().finished(request)
        if evaluation.outcome is not Outcome.SCORED or request.split is not Split.SEARCH:
            return evaluation
        way = hashlib.sha256(request.source.encode()).digest()[0] % 6
        scored = an_evaluation([way / 10 + 0.001 * place for place in range(12)], request.tier)
        seen = way // 2 if request.tier is Tier.SMOKE else way
        instances = tuple(replace(i, behaviour=f"{seen} on {i.name}") for i in scored.instances)
        return replace(scored, instances=instances)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def a_config(**changes: object) -> RunConfig:
    return build_config({"task": "toy", "seed": 1, "attempts": 40, "look_every": 0, **changes})


def drive(archive: Archive, config: RunConfig, pace: int = 0) -> tuple[Run, Session, Racetrack]:
    """A finished run, the session that drove it, and its backend."""
    backend = Racetrack(2, pace)
    run = new_run(archive, config, PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp())

    async def scene() -> Session:
        session, stages = await a_session(archive, run, config, backend)
        driver = Driver(session, FakeProposer(), stages, Progress(task="toy", run_id=run.id), in_flight=4, clock=CLOCK)
        await driver.evolve()
        return session

    return run, asyncio.run(scene()), backend


def twins_in(attempts: list[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.twin_id is not None]


def test_a_twin_takes_over_the_score_and_is_told_of(archive: Archive) -> None:
    run, session, _ = drive(archive, a_config(racing=0.0))
    attempts = archive.attempts(run.id)
    twins = twins_in(attempts)
    assert twins
    members = {m.candidate_id: m for m in session.search.top(1000)}
    played = {attempt.candidate_id for attempt in attempts if attempt.is_evaluation}
    played |= {founder.candidate_id for founder in archive.founders(run.id)}
    for twin in twins:
        assert twin.state is AttemptState.RECORDED
        assert not twin.is_evaluation
        assert twin.twin_id in played
        if twin.candidate_id in members and twin.twin_id in members:
            assert members[twin.candidate_id].score == members[twin.twin_id].score
    assert outcome_counts(archive, run.id)["twin"] == len(twins)


def test_twins_use_no_evaluation_of_the_budget_and_are_not_validated(archive: Archive) -> None:
    run, _, backend = drive(archive, a_config(attempts=None, evaluations=12))
    attempts = archive.attempts(run.id)
    assert sum(attempt.is_evaluation for attempt in attempts) == 12
    validated = {request.source for request in backend.requests if request.split is Split.VALIDATION}
    twins = {archive.candidate(attempt.candidate_id or "").source for attempt in twins_in(attempts)}
    assert twins
    assert not validated & twins


def test_a_program_that_is_clearly_worse_is_stopped_and_never_bred_from(archive: Archive) -> None:
    run, _, _ = drive(archive, a_config(twins=False))
    stored = archive.evaluations_of_run(run.id)
    stopped = [row for row in stored if row.evaluation.outcome is Outcome.STOPPED]
    assert stopped
    for row in stopped:
        assert row.evaluation.objective is None
        assert 0 < len(row.evaluation.instances) < 12
        assert archive.find_evaluation(row.key) is None  # it is nobody's result
        assert row not in chosen_rows(archive.evaluations(row.candidate_id), everything=True)  # nothing to verify
    parents = {attempt.parent_id for attempt in archive.attempts(run.id)}
    assert not parents & {row.candidate_id for row in stopped}


class LateDifference(FakeBackend):
    """Programs do the same in smoke and on the first quarter of quick, and something of their own on the rest."""

    def finished(self, request: EvaluateRequest) -> Evaluation:
        regimes = [f"regime {place % 7}" for place in range(21)]
        shared = set(range(21) if request.tier is Tier.SMOKE else play_order(regimes)[:5])
        late = -0.5 if "worse" in request.source else 0.5
        scored = an_evaluation([0.4 if place in shared else late for place in range(21)], request.tier)
        behaviours = ["same" if place in shared else request.source for place in range(21)]
        parts = zip(scored.instances, regimes, behaviours, strict=True)
        return replace(scored, instances=tuple(replace(one, regime=r, behaviour=b) for one, r, b in parts))


def test_a_program_stopped_at_a_quarter_is_nobodys_twin(archive: Archive) -> None:
    run = new_run(archive, a_config(), PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp())
    secrets = split_secrets(archive, run, PROBLEM.task)
    stages = Stages(archive, LateDifference(1), PROBLEM.task, secrets, PlannerClock.MEASURED, run.id)
    races = Races(stages, Behaviours(), RaceConfig())
    founder = archive.founders(run.id)[0].candidate_id

    def raced(index: int, source: str, parent_score: float) -> Raced:
        parent = a_member(founder, parent_score)
        attempt = asked_attempt(run.id, a_request(index, parent), "fake", CLOCK.timestamp())
        archive.add_attempt(attempt)
        candidate = Candidate.of(source)
        archive.add_candidate(candidate)
        found = asyncio.run(races.run(candidate, attempt, parent))
        races.told(found, candidate.id, index)
        return found

    assert raced(0, "# ancestor\n", -0.9).evaluation.outcome is Outcome.SCORED
    stopped = raced(1, "# worse\n", 0.9)
    assert stopped.evaluation.outcome is Outcome.STOPPED
    assert len(stopped.evaluation.instances) == 5  # on which it did what the ancestor did
    assert "worse than the parent" in stopped.evaluation.feedback
    assert stopped.twin_id is None


def a_member(candidate_id: str, score: float) -> Member:
    return Member(
        candidate_id=candidate_id, score=score, instance_scores=(score,) * 21, attempt_index=None, parent_id=None
    )


def a_request(index: int, parent: Member) -> MutationRequest:
    return MutationRequest(
        index=index, island=0, operator=Operator.MUTATE, parent=parent, inspirations=(), num_tells=index
    )


def test_nothing_is_cut_short_where_the_run_file_says_so(archive: Archive) -> None:
    run, _, _ = drive(archive, a_config(twins=False, racing=0.0))
    assert set(outcome_counts(archive, run.id)) <= {"scored", "crashed", "rejected"}
    assert not twins_in(archive.attempts(run.id))


def test_index_order_gives_the_same_attempts_whatever_the_timing(tmp_path: Path) -> None:
    found = []
    for pace in (0, 5):
        with Archive.open(f"sqlite:///{tmp_path}/{pace}.db") as archive:
            run, _, _ = drive(archive, a_config(order="index"), pace)
            attempts = archive.attempts(run.id)
            found.append([(a.parent_id, a.candidate_id, a.state, a.tell_order, a.neighbour_id) for a in attempts])
    assert found[0] == found[1]


def test_a_restored_session_stands_where_the_run_stood(archive: Archive) -> None:
    config = a_config()
    run, driven, backend = drive(archive, config)
    restored, _ = asyncio.run(a_session(archive, run, config, backend))
    attempts = archive.attempts(run.id)
    assert restored.evaluated == sum(attempt.is_evaluation for attempt in attempts)
    assert [island.elites for island in restored.search.islands] == [i.elites for i in driven.search.islands]
    assert restored.search.num_tells == driven.search.num_tells
    found = [b.find(f"{way}", 1000) for b in (restored.behaviours, driven.behaviours) for way in range(3)]
    assert found[:3] == found[3:]


def test_a_run_knows_what_it_found_a_program_to_behave_like(archive: Archive) -> None:
    run, _, backend = drive(archive, a_config())
    twin = twins_in(archive.attempts(run.id))[0]
    candidate_id = twin.candidate_id or ""
    assert archive.twin_of(run.id, candidate_id) == twin.twin_id
    assert archive.twin_of(run.id, twin.twin_id or "") is None
    secrets = split_secrets(archive, run, PROBLEM.task)
    stages = Stages(archive, backend, PROBLEM.task, secrets, PlannerClock.MEASURED, run.id)
    assert stages.stored_search(candidate_id) == stages.stored(twin.twin_id or "", Tier.QUICK, Split.SEARCH)


def test_behaviours_are_found_by_what_was_told_before_an_ask() -> None:
    behaviours = Behaviours()
    behaviours.add("digest", "founder", -1)
    behaviours.add("digest", "child", 3)
    behaviours.add("", "without a digest", 0)
    assert behaviours.find("digest", 0) == ["founder"]
    assert behaviours.find("digest", 4) == ["founder", "child"]
    assert behaviours.find("other", 4) == behaviours.find("", 4) == []
    for number in range(100):
        behaviours.add("many", str(number), number)
    assert behaviours.find("many", 100) == [str(number) for number in range(100 - MOST_TWINS, 100)]


def fates(attempts: list[Attempt]) -> list[object]:
    return [(a.index, a.state, a.candidate_id, a.parent_id, a.neighbour_id, a.tell_order) for a in attempts]


@pytest.mark.parametrize("other", [{"racing": 0.0}, {"twins": False}, {"twins": False, "racing": 0.0}])
def test_what_another_run_finished_changes_nothing(tmp_path: Path, other: dict[str, object]) -> None:
    config = a_config(order="index")
    with Archive.open(f"sqlite:///{tmp_path}/alone.db") as archive:
        run, session, _ = drive(archive, config)
        alone, scores = fates(archive.attempts(run.id)), [m.score for m in session.search.top(1000)]
        endings = outcome_counts(archive, run.id)
    with Archive.open(f"sqlite:///{tmp_path}/shared.db") as archive:
        drive(archive, a_config(order="index", **other))
        run, session, backend = drive(archive, config)
        assert fates(archive.attempts(run.id)) == alone
        assert outcome_counts(archive, run.id) == endings
        finished = {row.candidate_id for row in archive.evaluations_for_run(run.id) if row.evaluation.objective}
        stopped = [row for row in archive.evaluations_of_run(run.id) if row.evaluation.outcome is Outcome.STOPPED]
        assert any(row.candidate_id in finished for row in stopped)  # or nothing was tested
        again = asyncio.run(a_session(archive, run, config, backend))[0]
        assert [m.score for m in again.search.top(1000)] == [m.score for m in session.search.top(1000)] == scores
