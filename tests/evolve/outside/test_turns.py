"""Two commands at one run from outside, and what `evolve tell` says while it works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.errors import LeaseHeldError
from archive.records import RunStatus
from archive.store import Archive
from evaluators.toy import PROBLEM
from evolve.cli.announcing import Announced
from evolve.errors import RunError
from evolve.outside.steps import OutsideRun
from evolve.run.lease import LEASE_S, Patience
from tests.evolve.fakes import FakeBackend
from tests.evolve.outside.test_steps import ANSWER, Scene, a_scene
from tests.evolve.run.test_driver import CLOCK

OTHER = "elsewhere:1:1"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        made = a_scene(opened, attempts=3)
        opened.set_run_status(made.run.id, RunStatus.INTERRUPTED)  # as `evolve run` leaves it
        yield made


def taken(scene: Scene) -> None:
    scene.archive.take_lease(scene.run.id, OTHER, time.time(), LEASE_S)


def test_an_ask_waits_for_the_tell_of_another_and_says_so_once(scene: Scene) -> None:
    announced: list[str] = []
    taken(scene)

    def other_ends(owner: str) -> None:
        announced.append(owner)
        scene.archive.release_lease(scene.run.id, OTHER)

    patience = Patience(seconds=600.0, announce=other_ends, poll_s=0.0)
    outside = OutsideRun(scene.archive, scene.run, scene.config, PROBLEM, patience)
    assert asyncio.run(outside.ask(CLOCK.timestamp())).attempt == 0
    assert announced == [OTHER]


def test_who_has_waited_enough_is_not_told_to_stop_a_tell(scene: Scene) -> None:
    taken(scene)
    with pytest.raises(RunError) as refused:
        scene.ask()
    said = str(refused.value)
    assert said == f"another command works on run {scene.run.id} ({OTHER}); try again when it has ended"


def test_a_run_that_is_being_judged_is_not_waited_for(scene: Scene) -> None:
    taken(scene)
    scene.archive.set_run_status(scene.run.id, RunStatus.RUNNING)
    waiting = Patience(seconds=600.0, announce=pytest.fail, poll_s=0.0)
    outside = OutsideRun(scene.archive, scene.run, scene.config, PROBLEM, waiting)
    with pytest.raises(LeaseHeldError, match="evolve stop"):
        asyncio.run(outside.ask(CLOCK.timestamp()))


def test_each_stage_of_a_tell_is_announced_as_it_begins(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    index = scene.ask().attempt
    asyncio.run(scene.outside.tell(index, ANSWER, Announced(FakeBackend(), index), CLOCK.timestamp()))
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["attempt 0: scoring, tier smoke", "attempt 0: scoring, tier quick"]
    assert all(line.startswith("validating one of the best programs") for line in lines[2:])
