"""A run that repeats another one: what may be asked of it beside, and who its arms are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from archive.records import OUTSIDE, Run
from archive.store import Archive
from evaluators.problem import Problem
from evaluators.toy import PROBLEM
from evolve.choices import ProposerKind
from evolve.cli.sessions import begin, go_on_with
from evolve.config import RunConfig, build_config
from evolve.errors import ConfigError, RunError
from evolve.llm.recording import FORMAT, Recording
from evolve.repetition import repeated_config, wishes_of
from evolve.run.lifecycle import Lifecycle
from evolve.run.progress import Progress
from evolve.run.session import arms_of

MODEL = {"name": "good", "base_url": "http://127.0.0.1:9/v1"}


def a_recording(settings: Mapping[str, object] = MappingProxyType({}), num_attempts: int = 12) -> Recording:
    config = build_config({"task": "toy", "attempts": 20, "set": {"hints": 20}, **settings})
    return Recording(
        format=FORMAT,
        task="toy",
        task_identity=PROBLEM.task.identity,
        seed=3,
        secret="s",
        config=config.model_dump_json(),
        num_attempts=num_attempts,
        founders=(),
    )


def repeated(recording: Recording, **wanted: object) -> RunConfig:
    """The settings of a repetition that was asked for with these options."""
    asked_for = build_config({"task": "toy", "set": {}, "proposer": "recorded", **wanted})
    return repeated_config(recording, 1, {"recorded_run": "abcd1234"}, wishes_of(asked_for, recording))


def test_a_repetition_makes_the_attempts_that_were_recorded() -> None:
    assert repeated(a_recording()).attempts == 12
    with pytest.raises(RunError, match="no attempts"):
        repeated(a_recording(num_attempts=0))


def test_where_to_end_and_how_to_judge_is_heeded() -> None:
    wanted = {"attempts": 2, "final_tier": "full", "finalists": 7, "seconds": 5.0, "allow_unsafe": True}
    config = repeated(a_recording(), **wanted)
    assert {name: config.model_dump()[name] for name in wanted} == wanted


def test_a_recording_cannot_ask_for_less_sandbox() -> None:
    assert not repeated(a_recording({"allow_unsafe": True})).allow_unsafe


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"seed": 99}, "the seed"),
        ({"order": "index", "window": 3}, "the order, window"),
        ({"set": {"hints": "21"}}, "the set"),
        ({"usd": 5.0}, "the usd"),
        ({"attempts": 13}, "has made 12, found 13"),
    ],
)
def test_what_would_make_it_another_run_is_refused(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        repeated(a_recording(), **wanted)


def test_the_run_file_of_the_recorded_run_may_be_given_again() -> None:
    settings: dict[str, object] = {"models": [MODEL], "order": "index", "attempts": 20, "usd": 1.0, "seed": 3}
    recording = a_recording({"proposer": "openai", **settings})
    assert repeated(recording, **settings, set={"hints": "20"}).attempts == 12


@pytest.mark.parametrize(
    ("settings", "writers"),
    [
        ({"proposer": "openai", "models": [MODEL]}, {"good"}),
        ({"proposer": "genetic", "models": [MODEL]}, set()),  # a judge, perhaps
        ({"proposer": "outside", "models": [MODEL]}, {OUTSIDE}),
    ],
)
def test_the_arms_are_of_who_writes_the_programs(settings: dict[str, object], writers: set[str]) -> None:
    recording = a_recording(settings)
    config = repeated(recording)
    assert {arm.model for arm in arms_of(build_config({"task": "toy", **settings}))} == writers
    assert {arm.model for arm in arms_of(config)} == writers
    again = repeated(replace(recording, config=config.model_dump_json()))
    assert {arm.model for arm in arms_of(again)} == writers


def leased(archive: Archive, run: Run, config: RunConfig, problem: Problem) -> RunConfig:
    """What a session is to do; it only takes the lease."""

    async def scene() -> None:
        async with Lifecycle(archive, run, config, problem, Progress(task="toy", run_id=run.id))._leased():
            pass

    asyncio.run(scene())
    return config


def test_budgets_given_to_resume_stay_with_the_run_and_are_checked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/test.db"
    config = build_config({"task": "toy", "seed": 1, "attempts": 4, "proposer": ProposerKind.GENETIC})
    begin(url, config, [], [], leased)
    with Archive.open(url) as archive:
        (run_id,) = (run.id for run in archive.runs())
    first = go_on_with(url, run_id, {"attempts": 9, "tokens": None, "seconds": 2.0, "workers": 3}, leased)
    assert (first.attempts, first.seconds, first.workers) == (9, 2.0, 3)
    second = go_on_with(url, run_id, {}, leased)
    assert (second.attempts, second.seconds, second.workers) == (9, None, 0)
    for wrong in ({"attempts": -4}, {"workers": -2}, {"usd": -1.0}):
        with pytest.raises(ConfigError):
            go_on_with(url, run_id, wrong, leased)


def test_a_run_without_a_budget_makes_the_usual_number_of_attempts(tmp_path: Path) -> None:
    assert begin(f"sqlite:///{tmp_path}/test.db", build_config({"task": "toy"}), [], [], leased).attempts == 200
