"""What prompts tell of the programs that were made from a parent."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archive.records import AttemptState, Candidate, Run
from archive.store import Archive
from evaluators.contract import PlannerClock
from evolve.llm.tried import Child, changes_by_regime, fruitless_children
from evolve.run.session import split_secrets
from evolve.run.stages import Stages
from evolve.search.request import Member, MutationRequest, Operator
from tests.archive import samples
from tests.archive.samples import an_attempt, an_evaluation
from tests.evolve.fakes import FakeBackend
from tests.evolve.run.test_driver import TASK, a_config, a_run, drive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def stages_of(archive: Archive, run: Run) -> Stages:
    secrets = split_secrets(archive, run, TASK)
    return Stages(archive, FakeBackend(), TASK, secrets, PlannerClock.MEASURED, run_id=run.id)


def tried_under(archive: Archive, run: Run, parent_id: str, num_tells: int = 1000) -> list[Child]:
    stages = stages_of(archive, run)
    parent = Member(candidate_id=parent_id, score=0.0, instance_scores=(), attempt_index=None, parent_id=None)
    request = MutationRequest(
        index=num_tells, island=0, operator=Operator.DIFF, parent=parent, inspirations=(), num_tells=num_tells
    )
    return list(fruitless_children(archive, run.id, stages, request))


def test_children_of_every_ending_are_told_but_those_that_scored_more(archive: Archive) -> None:
    found: dict[str, list[Child]] = defaultdict(list)
    for racing in (0.2, 0.0):
        config = a_config(attempts=60, racing=racing)
        run = a_run(archive, config)
        drive(archive, run, config, FakeBackend())
        for parent_id in {attempt.parent_id for attempt in archive.attempts(run.id)}:
            for child in tried_under(archive, run, parent_id):
                found[child.failure.outcome.split()[0]].append(child)
    assert set(found) == {"crashed", "scored", "stopped"}
    assert all(child.broken for child in found["crashed"])
    assert not any(child.broken for child in [*found["stopped"], *found["scored"]])
    assert all("worse than the parent by" in child.failure.detail for child in found["stopped"])
    for child in [*found["stopped"], *found["scored"]]:
        assert child.failure.changes
        assert child.failure.change == child.attempt.change
    for child in found["scored"]:
        own, parent = (float(word.strip(",")) for word in child.failure.outcome.split() if word[0].isdigit())
        assert own <= parent


def test_what_was_told_after_the_ask_is_not_known_to_it(archive: Archive) -> None:
    run = a_run(archive, a_config(attempts=60))
    drive(archive, run, a_config(attempts=60), FakeBackend())
    for parent_id in {attempt.parent_id for attempt in archive.attempts(run.id)}:
        orders = [child.attempt.tell_order or 0 for child in tried_under(archive, run, parent_id, num_tells=30)]
        assert orders == sorted(orders, reverse=True)
        assert all(order < 30 for order in orders)


def tell(archive: Archive, run: Run, index: int, source: str, operator: str = "diff") -> None:
    """One more child of the initial program, evaluated and told."""
    parent_id = archive.founders(run.id)[0].candidate_id
    attempt = replace(an_attempt(index, run.id), parent_id=parent_id, inspiration_ids=(), operator=operator)
    archive.add_attempt(attempt)
    candidate = Candidate.of(source)
    evaluating = samples.evaluate(archive, attempt, candidate)
    asyncio.run(stages_of(archive, run).search(candidate, index))
    archive.record_told(replace(evaluating, state=AttemptState.RECORDED, told_at=samples.NOW))


def test_a_failure_that_was_repaired_is_not_repaired_again(archive: Archive) -> None:
    run = a_run(archive, a_config())
    parent_id = archive.founders(run.id)[0].candidate_id

    def to_repair() -> list[int]:
        return [child.attempt.index for child in tried_under(archive, run, parent_id) if child.broken]

    for index in (0, 1):
        tell(archive, run, index, f"# {index}\ncrash\n")
    assert to_repair() == [1, 0]
    tell(archive, run, 2, "# it runs\n", operator="repair+advice 1")
    assert to_repair() == [0]
    tell(archive, run, 3, "# 3\ncrash\n", operator="repair")
    assert to_repair() == [3, 0]


def test_changes_are_of_the_instances_that_both_played() -> None:
    parent = an_evaluation(0.5).instances
    own = [replace(instance, score=(instance.score or 0.0) - 0.25) for instance in parent[:4]]
    assert changes_by_regime(own, parent) == {"r0": -0.25, "r1": -0.25, "r2": -0.25}
    assert changes_by_regime(own[:1], parent) == {"r0": -0.25}
    assert changes_by_regime(own, []) == {}
