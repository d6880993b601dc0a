"""What a prompt may know of the best that the run has in each regime."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.store import Archive
from evaluators.contract import PlannerClock
from evolve.llm.briefing import Desk
from evolve.llm.heights import highest, regime_means
from evolve.run.session import split_secrets
from evolve.run.stages import Stages
from evolve.search.request import Member, MutationRequest, Operator
from tests.evolve.fakes import FakeBackend
from tests.evolve.run.test_driver import TASK, a_config, a_run, drive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def test_the_highest_of_each_regime_whoever_has_it() -> None:
    assert highest([]) == {}
    assert highest([{"a": -0.5, "b": 0.2}, {}, {"a": -0.7, "b": 0.3}]) == {"a": -0.5, "b": 0.3}


def test_a_prompt_knows_founders_and_what_was_told_before_it_and_nothing_later(archive: Archive) -> None:
    config = a_config(attempts=40)
    run = a_run(archive, config)
    drive(archive, run, config, FakeBackend())
    stages = Stages(archive, FakeBackend(), TASK, split_secrets(archive, run, TASK), PlannerClock.MEASURED, run.id)
    founders = [founder.candidate_id for founder in archive.founders(run.id)]
    told = [attempt.candidate_id for attempt in archive.attempts_told(run.id)]
    parent = Member(candidate_id=founders[0], score=0.0, instance_scores=(), attempt_index=None, parent_id=None)
    request = MutationRequest(
        index=0, island=0, operator=Operator.DIFF, parent=parent, inspirations=(), num_tells=len(told)
    )
    desk = Desk(archive, run.id, TASK, stages, models=())
    sources = {founders[0]: archive.candidate(founders[0]).source}
    seen = []
    for num_tells in (len(told), 0, 10):  # whatever was asked for before
        known = [stages.stored_search(i) for i in [*founders, *told[:num_tells]] if i]
        wanted = highest(regime_means(e.instances) for e in known if e is not None and e.objective is not None)
        seen.append(desk.brief(replace(request, num_tells=num_tells), sources).best_regimes)
        assert seen[-1] == wanted
    assert seen[1] != seen[0]
