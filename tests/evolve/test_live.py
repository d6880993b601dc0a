"""What a user reads while a run goes on."""

from __future__ import annotations

from collections import Counter

import pytest

from evolve.cli.live import LogPace, log_line, share_done
from evolve.config import RunConfig
from evolve.run.progress import Progress

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
    for _ in range(3):
        assert not log_line(progress, CONFIG).endswith("left")  # those that end first are no fair sample
        clock[0] += 10
        progress.one_more()
    assert log_line(progress, CONFIG).endswith("about 70 s left")


def test_what_is_under_way_beside_counts_in_an_estimate(progress: Progress, clock: list[float]) -> None:
    progress.workers = 5
    progress.enter_stretch("hold-out", total=20, known=0)
    for _ in range(5):  # all workers begin at once; each program takes 100 s, and they end 20 s apart
        clock[0] += 20
        progress.one_more()
    assert progress.stretch is not None
    assert progress.stretch.left_s == pytest.approx(100 * (15 - 2) / (5 + 2))
    for _ in range(14):
        clock[0] += 20
        progress.one_more()
    assert progress.stretch.left_s is not None
    assert 0 < progress.stretch.left_s < 20  # one left, and no other worker busy


def test_what_earlier_programs_took_tells_how_long_a_part_takes_before_it_has_begun(progress: Progress) -> None:
    progress.workers = 2
    progress.enter_stretch("hold-out", total=21, known=1, each_s=60.0)
    assert log_line(progress, CONFIG).endswith("about 10 min left")


def test_a_resumed_search_is_estimated_by_its_own_pace() -> None:
    progress = Progress(task="toy", run_id="abcd2345", told=150, evaluated=140, evaluated_before=140, elapsed_s=50.0)
    progress.enter("search", searching=True)
    config = RunConfig(task="toy", attempts=200)
    assert log_line(progress, config).endswith("50 attempts left")
    progress.told, progress.outcomes = 160, Counter({"scored": 10})
    assert log_line(progress, config).endswith("40 attempts, about 3 min left")


def test_a_log_tells_what_is_new_and_shows_life_once_a_minute(progress: Progress) -> None:
    pace = LogPace()
    progress.enter_stretch("hold-out", total=3, known=0)
    written = [pace.is_due(progress, 1.0) for _ in range(130)]
    assert [second for second, due in enumerate(written) if due] == [0, 60, 120]
    progress.one_more()
    assert [pace.is_due(progress, 1.0) for _ in range(3)] == [True, False, False]
    progress.enter("search", searching=True)
    assert pace.is_due(progress, 1.0)


def test_a_phase_of_unknown_length_promises_nothing(progress: Progress) -> None:
    progress.enter_stretch("hold-out", total=3, known=0)
    progress.enter("validation of the champion on fresh seeds")
    assert "left" not in log_line(progress, CONFIG)
