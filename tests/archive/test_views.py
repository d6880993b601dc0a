from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from archive import endings, marks, run_summaries, run_views, twins, views
from archive.leaderboard import leaderboard
from archive.marks import ColourBy
from archive.records import Founder, FounderRole, RunStatus
from archive.run_views import Score
from archive.store import Archive
from evaluators.contract import Outcome, Split, Tier
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, a_failed_evaluation, an_attempt, an_evaluation, finish
from tests.archive.test_plans import plans_of


def fill(archive: Archive) -> None:
    """A founder, a child, a grandchild that crashes, a duplicate of the child, and an attempt in flight."""
    samples.begin(archive)
    initial = Founder(run_id=RUN_ID, ordinal=0, role=FounderRole.INITIAL, name="initial", candidate_id=a_candidate().id)
    archive.add_founder(initial)
    score = an_evaluation(0.25)
    archive.add_evaluation(a_candidate().id, score, samples.a_key(a_candidate().id, score), RUN_ID)
    finish(archive, an_attempt(0), a_candidate(1), an_evaluation(0.5, tier=Tier.SMOKE), an_evaluation(0.625))
    grandchild = replace(an_attempt(1), parent_id=a_candidate(1).id, operator="crossover", island=0)
    finish(archive, grandchild, a_candidate(2), a_failed_evaluation(tier=Tier.SMOKE))
    samples.reject(archive, an_attempt(2), a_candidate(1), a_candidate(1).id)
    archive.add_attempt(an_attempt(3))
    for ordinal, price in enumerate((0.5, None)):
        archive.add_reply(replace(samples.a_reply(0, ordinal), price_usd=price))


@pytest.fixture
def archive(any_url: str) -> Iterator[Archive]:
    with Archive.open(any_url) as archive:
        fill(archive)
        yield archive


def test_told_attempts_carry_their_quick_score(archive: Archive) -> None:
    told = [attempt for page in run_views.told_after(archive, RUN_ID) for attempt in page]
    assert [(t.index, t.outcome, t.score) for t in told] == [
        (0, "scored", 0.625),
        (1, "crashed", None),
        (2, "rejected", None),
    ]


def test_only_what_came_later_is_read(archive: Archive) -> None:
    assert [t.index for page in run_views.told_after(archive, RUN_ID, after=1) for t in page] == [2]
    assert list(run_views.told_after(archive, RUN_ID, after=2)) == []


def test_pages_join_without_a_gap(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_views, "PAGE", 1)
    pages = list(run_views.told_after(archive, RUN_ID))
    assert [[t.index for t in page] for page in pages] == [[0], [1], [2]]


def test_scores_of_another_runs_secret_are_not_mixed_in(archive: Archive) -> None:
    samples.begin(archive, samples.a_run("other123", secret="t" * 32))
    finish(archive, an_attempt(0, "other123"), a_candidate(1))
    assert run_views.search_scores(archive, "other123", [a_candidate(1).id]) == {}
    expected = Score(outcome="scored", objective=0.625)
    assert run_views.search_scores(archive, RUN_ID, [a_candidate(1).id]) == {a_candidate(1).id: expected}


def test_a_twin_takes_its_score_over_wherever_scores_are_read(archive: Archive) -> None:
    twin, first = a_candidate(9), a_candidate(1)
    samples.take_over(archive, an_attempt(4), twin, first.id)
    (told,) = [t for page in run_views.told_after(archive, RUN_ID, after=2) for t in page]
    assert (told.index, told.outcome, told.score) == (4, "twin", 0.625)
    expected = Score(outcome="stopped", objective=0.625, twin_id=first.id)
    assert run_views.search_scores(archive, RUN_ID, [twin.id]) == {twin.id: expected}
    assert [mark.score for mark in marks.score_marks(archive, RUN_ID, ColourBy.ISLAND)] == [0.625, 0.625]
    (league,) = views.all_leagues(archive)
    with archive.reading() as connection:
        assert twins.taken_over(connection, league.digest, [twin.id, first.id, a_candidate(2).id]) == {twin.id: 0.625}
        assert twins.taken_over(connection, "another league", [twin.id]) == {}
    holdout = samples.an_evaluation(0.5, tier=Tier.FULL, split=Split.HOLDOUT, seeds="c" * 16)
    archive.add_evaluation(twin.id, holdout, samples.a_key(twin.id, holdout), RUN_ID)
    assert [row.search for row in leaderboard(archive) if row.candidate_id == twin.id] == [0.625]


def test_a_run_is_summed_up(archive: Archive) -> None:
    (summary,) = run_summaries.run_summaries(archive)
    assert (summary.run_id, summary.status) == (RUN_ID, RunStatus.RUNNING)
    assert (summary.asked, summary.told) == (4, 3)
    assert run_views.in_flight(archive, RUN_ID) == {"asked": 1}
    assert [a.index for a in run_views.rejections(archive, RUN_ID)] == [2]
    assert [(f.name, f.role, f.score) for f in run_views.founder_scores(archive, RUN_ID)] == [
        ("initial", "initial", 0.25)
    ]


def test_model_calls_are_summed_by_model(archive: Archive) -> None:
    (use,) = run_summaries.model_uses(archive, RUN_ID)
    assert (use.model, use.calls, use.attempts, use.unpriced_calls) == ("some/model", 2, 1, 1)
    assert (use.prompt_tokens, use.reply_tokens, use.price_usd) == (1400, 24, 0.5)


def many_scores(archive: Archive, count: int) -> None:
    for index in range(4, 4 + count):
        attempt = replace(an_attempt(index), operator=f"op{index % 12}")
        finish(archive, attempt, a_candidate(index + 100), an_evaluation(index / 100))


@pytest.mark.parametrize("colour_by", ColourBy)
def test_marks_are_bounded_and_keep_the_best(archive: Archive, colour_by: ColourBy) -> None:
    many_scores(archive, 40)
    whole = marks.score_marks(archive, RUN_ID, colour_by)
    assert len(whole) == 41
    few = marks.score_marks(archive, RUN_ID, colour_by, max_marks=16)
    assert len(few) <= 16
    assert sum(mark.attempts for mark in few) == 41
    assert max(mark.score for mark in few) == max(mark.score for mark in whole) == 0.625
    assert len({mark.colour for mark in few}) <= marks.MAX_COLOURS


def test_a_program_knows_its_origin_and_children(archive: Archive) -> None:
    made = views.maker(archive, a_candidate(2).id)
    assert made is not None
    assert (made.run_id, made.index) == (RUN_ID, 1)
    assert views.maker(archive, a_candidate().id) is None
    assert [f.name for f in views.foundings(archive, a_candidate().id)] == ["initial"]
    assert [a.index for a in views.children(archive, RUN_ID, a_candidate().id)] == [2, 0]


def test_ancestry_ends_at_the_founders(archive: Archive) -> None:
    wanted = [a_candidate(2).id, a_candidate().id]
    assert [a.index for a in views.ancestry(archive, RUN_ID, wanted)] == [0, 1]
    assert [a.index for a in views.ancestry(archive, RUN_ID, wanted, max_rows=1)] != []


def test_failures_come_with_a_reason(archive: Archive) -> None:
    (failure,) = views.failures(archive, Outcome.CRASHED)
    assert (failure.candidate_id, failure.reason) == (a_candidate(2).id, "i0: it raised ValueError")
    assert views.failures(archive, Outcome.TAMPERED) == []


def test_the_reason_is_of_the_first_failed_instance_that_says_why(archive: Archive) -> None:
    failed = a_failed_evaluation(tier=Tier.SMOKE)
    silent, *others = failed.instances
    made = replace(failed, instances=(replace(silent, detail=""), *others))
    finish(archive, an_attempt(5), a_candidate(7), made)
    newest, *_ = views.failures(archive, Outcome.CRASHED)
    assert (newest.candidate_id, newest.reason) == (a_candidate(7).id, "i1: it raised ValueError")


def test_outcomes_are_counted_by_league(archive: Archive) -> None:
    (league,) = views.all_leagues(archive)
    assert views.league_outcomes(archive) == {league.digest: {"scored": 3, "crashed": 1}}


def test_points_are_the_best_programs_with_their_metrics(archive: Archive) -> None:
    (league,) = views.all_leagues(archive)
    best, *_ = views.metric_points(archive, league, Split.SEARCH, Tier.QUICK)
    assert (best.candidate_id, best.objective) == (a_candidate(1).id, 0.625)
    assert best.metrics == {"balance": 0.75, "moves": 3.0}
    assert len(views.metric_points(archive, league, Split.SEARCH, Tier.QUICK, max_rows=1)) == 1


def test_environments_are_listed_once(archive: Archive) -> None:
    assert views.all_environments(archive) == [samples.ENVIRONMENT]


QUESTIONS: dict[str, Callable[[Archive], object]] = {
    "told": lambda a: list(run_views.told_after(a, RUN_ID, 1)),
    "summaries": run_summaries.run_summaries,
    "in flight": lambda a: run_views.in_flight(a, RUN_ID),
    "rejections": lambda a: run_views.rejections(a, RUN_ID),
    "scores": lambda a: run_views.search_scores(a, RUN_ID, [a_candidate(1).id]),
    "founders": lambda a: run_views.founder_scores(a, RUN_ID),
    "models": lambda a: run_summaries.model_uses(a, RUN_ID),
    "marks": lambda a: marks.score_marks(a, RUN_ID, ColourBy.ISLAND),
    "maker": lambda a: views.maker(a, a_candidate(1).id),
    "foundings": lambda a: views.foundings(a, a_candidate().id),
    "children": lambda a: views.children(a, RUN_ID, a_candidate().id),
    "ancestry": lambda a: views.ancestry(a, RUN_ID, [a_candidate(1).id]),
    "ranking": leaderboard,
    "judging": lambda a: endings.judging_of(a, RUN_ID),
    "paid without attempt": lambda a: endings.paid_without_attempt(a, RUN_ID),
    "failures": lambda a: views.failures(a, Outcome.CRASHED),
    "points": lambda a: views.metric_points(a, views.all_leagues(a)[0], Split.SEARCH, Tier.QUICK),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_view_reads_through_an_index(name: str) -> None:
    with Archive.open("sqlite://") as archive:
        fill(archive)
        plans = plans_of(archive, QUESTIONS[name])
        assert plans
        for statement, plan in plans.items():
            for table in ("attempts", "candidates", "evaluations", "instances", "replies", "founders"):
                assert f"SCAN {table}" not in plan, statement


def test_outcomes_are_counted_from_the_index_alone() -> None:
    with Archive.open("sqlite://") as archive:
        fill(archive)
        (plan,) = plans_of(archive, views.league_outcomes).values()
        assert "USING COVERING INDEX ix_evaluations_outcome" in plan


def test_progress_starts_where_the_last_look_ended() -> None:
    with Archive.open("sqlite://") as archive:
        fill(archive)
        plans = plans_of(archive, lambda a: list(run_views.told_after(a, RUN_ID, 1)))
        assert any("ix_attempts_tell_order (run_id=? AND tell_order>?)" in plan for plan in plans.values())
        assert any("ix_evaluations_candidate (candidate_id=?)" in plan for plan in plans.values())
