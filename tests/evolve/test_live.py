"""What a user reads while a run goes on."""

from __future__ import annotations

import pytest

from evolve.cli.live import log_line, share_done
from evolve.config import RunConfig
from evolve.progress import Progress

CONFIG = RunConfig(task="toy", attempts=200, seconds=100)


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def progress(clock: list[float]) -> Progress:
    """A run whose search has used up its seconds."""
    return Progress(task="toy", run_id="abcd2345", told=150, elapsed_s=100.0, now=lambda: clock[0])


def test_while_it_searches_a_run_says_what_is_left_of_its_budget(progress: Progress) -> None:
    progress.enter("search", searching=True)
    assert log_line(progress, CONFIG).endswith("50 attempts, 0 s left")
    assert share_done(progress, CONFIG) == 1.0


def test_after_its_search_a_run_says_how_far_it_is_and_when_it_ends(progress: Progress, clock: list[float]) -> None:
    progress.enter_stretch("hold-out", total=23, known=0)
    assert "0 s left" not in log_line(progress, CONFIG)
    for _ in range(12):
        clock[0] += 50
        progress.one_more()
    line = log_line(progress, CONFIG)
    assert "hold-out: 12 of 23 programs" in line
    assert line.endswith("about 9 min left")
    assert share_done(progress, CONFIG) == 12 / 23


def test_what_was_archived_before_says_nothing_of_the_pace(progress: Progress, clock: list[float]) -> None:
    progress.enter_stretch("hold-out", total=20, known=10)
    assert "10 of 20 programs" in log_line(progress, CONFIG)
    assert not log_line(progress, CONFIG).endswith("left")
    clock[0] += 10
    progress.one_more()
    assert log_line(progress, CONFIG).endswith("about 90 s left")


def test_a_phase_of_unknown_length_promises_nothing(progress: Progress) -> None:
    progress.enter_stretch("hold-out", total=3, known=0)
    progress.enter("validation of the champion on fresh seeds")
    assert "left" not in log_line(progress, CONFIG)
