"""`evolve runs`: where a run stands, and what can be done with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.records import RunStatus
from archive.store import Archive
from evaluators.toy import PROBLEM
from evolve.cli.runs import runs
from evolve.config import build_config
from evolve.programs import founding_programs
from evolve.run.session import new_run
from tests.evolve.outside.test_steps import ANSWER, Scene, a_scene
from tests.evolve.run.test_driver import CLOCK

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def archive(url: str) -> Iterator[Archive]:
    with Archive.open(url) as opened:
        yield opened


def a_waiting_scene(archive: Archive) -> Scene:
    """A run from outside of two attempts, as `evolve run` leaves it."""
    scene = a_scene(archive, attempts=2)
    archive.set_run_status(scene.run.id, RunStatus.INTERRUPTED)
    return scene


def listed(url: str, capsys: Captured) -> tuple[str, int]:
    """The status and the attempts of the only run."""
    runs(archive=url, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    return row["status"], row["attempts"]


def told_of(scene: Scene, url: str, capsys: Captured) -> str:
    """What is printed of the run alone."""
    runs(scene.run.id, archive=url)
    return capsys.readouterr().out


def test_a_run_that_waits_for_answers_is_not_called_interrupted(archive: Archive, url: str, capsys: Captured) -> None:
    scene = a_waiting_scene(archive)
    assert listed(url, capsys) == ("waiting", 0)
    assert f"evolve ask {scene.run.id}\n" in told_of(scene, url, capsys)


def test_an_open_ask_is_no_attempt_yet(archive: Archive, url: str, capsys: Captured) -> None:
    scene = a_waiting_scene(archive)
    scene.ask()
    assert listed(url, capsys) == ("waiting", 0)
    printed = told_of(scene, url, capsys)
    assert "1 attempt asked for and not answered yet" in printed
    assert f"evolve ask {scene.run.id} --waiting\n" in printed
    scene.tell(ANSWER)
    assert listed(url, capsys) == ("waiting", 1)


def test_a_run_whose_attempts_were_all_told_is_to_be_gone_on_with(archive: Archive, url: str, capsys: Captured) -> None:
    scene = a_waiting_scene(archive)
    for _ in range(2):
        scene.answer(ANSWER)
    assert listed(url, capsys) == ("interrupted", 2)
    assert f"go on with: evolve resume {scene.run.id}" in told_of(scene, url, capsys)


def test_a_run_stopped_before_its_first_programs_were_scored_is_interrupted(
    archive: Archive, url: str, capsys: Captured
) -> None:
    config = build_config({"task": "toy", "seed": 1, "proposer": "outside"})
    programs = founding_programs(PROBLEM.task.programs, [])
    run = new_run(archive, config, PROBLEM.task, programs, "test", CLOCK.timestamp())
    archive.set_run_status(run.id, RunStatus.INTERRUPTED)
    assert listed(url, capsys) == ("interrupted", 0)
