"""Attempts that the infrastructure lost: nothing is known of their programs, so nothing is learned of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from archive.records import AttemptState
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock, Split, Tier
from evaluators.protocol import EvaluateRequest
from evolve.errors import BackendError
from evolve.run.champion import choose_champion
from evolve.run.session import split_secrets
from evolve.run.stages import Stages
from evolve.search.request import Told
from evolve.search.search import Search
from tests.evolve.evaluations import a_failed_evaluation, an_evaluation
from tests.evolve.fakes import FakeBackend
from tests.evolve.run.test_driver import TASK, StoppingBackend, a_config, a_driver, a_run, drive
from tests.evolve.search.test_search import FOUNDERS, GROWING, WITH_MODELS, answer, ask
from tests.evolve.sessions import a_session


def test_a_search_learns_nothing_of_a_lost_attempt() -> None:
    search = Search(replace(WITH_MODELS, crossover_probability=0.0), FOUNDERS)
    assert search.bandit is not None
    for score in (None, 0.3, 0.05):
        search.tell(answer(ask(search), score))
    before = (search.tells_since_improvement, dict(search.bandit.states), [list(i.elites) for i in search.islands])
    request = ask(search)
    search.tell(replace(answer(request, None), repairable=False, lost=True))
    after = (search.tells_since_improvement, dict(search.bandit.states), [list(i.elites) for i in search.islands])
    assert after == before
    assert search.num_tells == 4


def test_lost_attempts_found_no_new_island() -> None:
    search = Search(GROWING, FOUNDERS)
    for _ in range(GROWING.new_island_after + 1):
        search.tell(_lost(ask(search).index))
    assert len(search.islands) == GROWING.num_islands


def _lost(index: int) -> Told:
    return Told(index=index, island=0, parent_id=FOUNDERS[0].candidate_id, member=None, lost=True)


class LosingBackend(FakeBackend):
    """The workers of some programs died, as `LocalBackend` reports it: on no known seeds."""

    def finished(self, request: EvaluateRequest) -> Evaluation:
        finished = super().finished(request)
        if request.split is Split.SEARCH and request.tier is Tier.QUICK and _is_lost(request.source):
            return replace(a_failed_evaluation(Outcome.INFRASTRUCTURE), seeds="", instances=())
        return finished


def _is_lost(source: str) -> bool:
    return source.startswith("# ") and source[2:].partition(" ")[0] in {"0", "3", "12", "15", "18", "21"}


def test_what_was_lost_is_lost_after_resume_too_whoever_scored_it_since(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        config = a_config(order="index")
        run = a_run(archive, config)

        async def scene() -> Search:
            driver, _ = await a_driver(archive, run, config, LosingBackend())
            await driver.evolve()
            return driver._search

        live = asyncio.run(scene())
        recorded = [a for a in archive.attempts(run.id) if a.state is AttemptState.RECORDED and a.candidate_id]
        lost = [a for a in recorded if _is_lost(archive.candidate(a.candidate_id or "").source)]
        assert len(lost) > 2
        stages = Stages(archive, FakeBackend(), TASK, split_secrets(archive, run, TASK), PlannerClock.MEASURED)
        for attempt in lost:
            assert asyncio.run(stages.search(archive.candidate(attempt.candidate_id or ""))).objective is not None
        restored = asyncio.run(a_session(archive, run, config, FakeBackend(), TASK))[0].search
    assert [list(i.elites) for i in restored.islands] == [list(i.elites) for i in live.islands]
    assert restored.tells_since_improvement == live.tells_since_improvement
    assert restored.best == live.best


def test_a_program_that_a_resumed_run_scored_is_not_lost(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        config = a_config(attempts=1)
        run = a_run(archive, config)
        with pytest.raises(BackendError):  # after two founders and smoke
            drive(archive, run, config, StoppingBackend(5, pace=0))
        (attempt,) = archive.attempts(run.id)
        stages = Stages(archive, FakeBackend(), TASK, split_secrets(archive, run, TASK), PlannerClock.MEASURED)
        candidate_id = attempt.candidate_id or ""
        key = stages.key(candidate_id, Tier.QUICK, Split.SEARCH)
        archive.add_evaluation(candidate_id, a_failed_evaluation(Outcome.INFRASTRUCTURE), key, run.id, 0)
        assert archive.lost_attempts(run.id) == {0}
        drive(archive, run, config, FakeBackend())
        assert archive.lost_attempts(run.id) == frozenset()


def test_nobody_is_champion_for_want_of_the_initial_programs_validation() -> None:
    lost = replace(a_failed_evaluation(Outcome.INFRASTRUCTURE, split=Split.VALIDATION), instances=())
    other = an_evaluation([0.5] * 12, split=Split.VALIDATION)
    assert choose_champion("initial", [("initial", lost), ("other", other)]) == "initial"
    crashed = a_failed_evaluation(Outcome.CRASHED, split=Split.VALIDATION)
    assert choose_champion("initial", [("initial", crashed), ("other", other)]) == "other"
