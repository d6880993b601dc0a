"""Runs of one seed, and `evolve evaluate` with it, share evaluations: who paid must not matter to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.marks import ColourBy, score_marks
from archive.pruning import prune
from archive.queries import outcome_counts
from archive.records import Run, RunStatus
from archive.run_views import founder_scores, search_scores, told_after
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock, Split, Tier
from evaluators.protocol import EvaluateRequest
from evaluators.racing import Race
from evolve.run.session import split_secrets
from evolve.run.stages import Stages
from tests.evolve.fakes import FakeBackend
from tests.evolve.run.test_driver import PROGRAMS, TASK, a_config, a_run, drive
from tests.evolve.sessions import a_session


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def seen(archive: Archive, run: Run) -> object:
    """What viewers and summaries say of a run."""
    told = [attempt for page in told_after(archive, run) for attempt in page]
    ids = [attempt.candidate_id for attempt in told if attempt.candidate_id]
    marks = score_marks(archive, run.id, ColourBy.ISLAND)
    scores = (founder_scores(archive, run.id), search_scores(archive, run.id, ids))
    return outcome_counts(archive, run.id), scores, told, marks


def stages_of(archive: Archive, run: Run | None, secrets_of: Run) -> Stages:
    secrets = split_secrets(archive, secrets_of, TASK)
    return Stages(archive, FakeBackend(), TASK, secrets, PlannerClock.MEASURED, None if run is None else run.id)


def test_a_run_goes_on_after_another_of_its_seed_was_pruned(archive: Archive) -> None:
    config = a_config(attempts=20, order="index")
    first, second = a_run(archive, config), a_run(archive, config)
    for run in (first, second):
        drive(archive, run, config, FakeBackend())
        archive.set_run_status(run.id, RunStatus.INTERRUPTED)
    before = seen(archive, second)
    prune(archive, [first.id])
    assert seen(archive, second) == before
    longer = a_config(attempts=30, order="index")
    drive(archive, second, longer, FakeBackend())
    assert len(archive.attempts(second.id)) == 30
    third = a_run(archive, config)
    for settings in (config, longer):
        drive(archive, third, settings, FakeBackend())
    fates = [[(a.candidate_id, a.state, a.tell_order) for a in archive.attempts(run.id)] for run in (second, third)]
    assert fates[0] == fates[1]


def test_what_was_evaluated_by_hand_counts_for_a_run_of_that_seed(archive: Archive) -> None:
    run = a_run(archive, a_config())
    by_hand = stages_of(archive, None, secrets_of=run)
    founders = archive.founders(run.id)
    for founder in founders:
        asyncio.run(by_hand.search(archive.candidate(founder.candidate_id)))
    asyncio.run(a_session(archive, run, a_config(), FakeBackend(), TASK))
    assert archive.evaluations_of_run(run.id) == []
    assert [founder.score is not None for founder in founder_scores(archive, run.id)] == [True] * len(PROGRAMS)
    found = stages_of(archive, run, secrets_of=run).stored_searches(archive.evaluations_for_run(run.id))
    assert set(found) == {founder.candidate_id for founder in founders}


class Elsewhere(FakeBackend):
    """Another environment class."""

    environment_class = "elsewhere"

    def finished(self, request: EvaluateRequest) -> Evaluation:
        return replace(super().finished(request), environment_class=self.environment_class)


def test_a_new_run_is_bound_to_no_place_where_its_first_programs_were_scored_before(archive: Archive) -> None:
    config = a_config(attempts=20, order="index")
    earlier = a_run(archive, config)
    drive(archive, earlier, config, FakeBackend())
    new = a_run(archive, config)
    assert archive.environment_classes(new.id) == set()
    drive(archive, new, config, Elsewhere())
    assert archive.environment_classes(new.id) == {"elsewhere"}
    assert len(archive.attempts(new.id)) == 20


def test_a_run_that_found_every_score_made_is_bound_to_where_they_were_made(archive: Archive) -> None:
    config = a_config(attempts=20, order="index", twins=False, racing=0.0)
    first, second = a_run(archive, config), a_run(archive, config)
    for run in (first, second):
        drive(archive, run, config, FakeBackend())
    for founder in archive.founders(second.id):
        elsewhere = Stages(archive, Elsewhere(), TASK, split_secrets(archive, second, TASK), PlannerClock.MEASURED)
        asyncio.run(elsewhere.search(archive.candidate(founder.candidate_id)))
    assert archive.evaluations_of_run(second.id) == []
    assert archive.environment_classes(second.id) == {FakeBackend.environment_class}


def test_what_a_run_stopped_stays_stopped_there_when_another_finishes_it(archive: Archive) -> None:
    config = a_config(order="index", twins=False)
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend())
    rows = archive.evaluations_of_run(run.id)
    stopped = [row.candidate_id for row in rows if row.evaluation.outcome is Outcome.STOPPED]
    before = seen(archive, run)
    without_races = a_config(order="index", twins=False, racing=0.0)
    drive(archive, a_run(archive, without_races), without_races, FakeBackend())
    for number in range(3):  # those that the second run did not come upon
        other = stages_of(archive, None, secrets_of=run)
        asyncio.run(other.search(archive.candidate(stopped[number])))
    assert seen(archive, run) == before
    stages = stages_of(archive, run, secrets_of=run)
    assert [stages.stored_search(candidate_id) for candidate_id in stopped] == [None] * len(stopped)


def test_an_evaluation_that_was_stopped_before_a_kill_is_not_made_again(archive: Archive) -> None:
    config = a_config(order="index", twins=False)
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend())
    row = next(r for r in archive.evaluations_of_run(run.id) if r.evaluation.outcome is Outcome.STOPPED)
    backend = FakeBackend()
    secrets = split_secrets(archive, run, TASK)
    stages = Stages(archive, backend, TASK, secrets, PlannerClock.MEASURED, run.id)
    race = Race(parent_scores=(1.0,) * 12, error_rate=0.2)
    candidate = archive.candidate(row.candidate_id)
    again = stages.evaluate(candidate, Tier.QUICK, Split.SEARCH, row.attempt_index, race=race)
    assert asyncio.run(again) == row.evaluation
    assert backend.requests == []
