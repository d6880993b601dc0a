from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from archive.queries import Usage, leaderboard, lineage, operator_rates, outcome_counts, usage
from archive.records import Founder, FounderRole, LeaderboardRow
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.measure import mean_interval
from tests.archive import samples
from tests.archive.samples import (
    ENVIRONMENT,
    ENVIRONMENT_CLASS,
    PARAMETERS,
    RUN_ID,
    TASK_IDENTITY,
    a_candidate,
    a_failed_evaluation,
    a_key,
    a_reply,
    a_run,
    an_attempt,
    an_evaluation,
)

HOLDOUT_SEEDS = "a" * 16


@pytest.fixture
def archive(any_url: str) -> Iterator[Archive]:
    with Archive.open(any_url) as archive:
        samples.begin(archive)
        yield archive


def a_holdout(objective: float, tier: Tier = Tier.FULL) -> Evaluation:
    return an_evaluation(objective, tier=tier, split=Split.HOLDOUT, seeds=HOLDOUT_SEEDS)


def a_validation(objective: float) -> Evaluation:
    return an_evaluation(objective, split=Split.VALIDATION, seeds="b" * 16)


def score(archive: Archive, number: int, *evaluations: Evaluation, clock: str = "measured") -> str:
    """Archives a candidate with these evaluations, outside any attempt."""
    candidate = a_candidate(number)
    archive.add_candidate(candidate)
    for evaluation in evaluations:
        archive.add_evaluation(candidate.id, evaluation, a_key(candidate.id, evaluation, clock), RUN_ID)
    return candidate.id


def found(archive: Archive, role: FounderRole, name: str, number: int) -> None:
    founder = Founder(
        run_id=RUN_ID,
        ordinal=len(archive.founders(RUN_ID)),
        role=role,
        name=name,
        candidate_id=a_candidate(number).id,
    )
    archive.add_founder(founder)


# Leaderboard


def test_empty_archive_has_no_rows(archive: Archive) -> None:
    assert leaderboard(archive) == []


def test_row_says_all_that_is_known(archive: Archive) -> None:
    candidate_id = score(archive, 1, an_evaluation(0.75), a_validation(0.625), a_holdout(0.5))
    found(archive, FounderRole.BASELINE, "greedy", 1)
    instances = a_holdout(0.5).instances
    interval = mean_interval([each.counted_score for each in instances], [each.regime for each in instances])
    assert interval is not None
    assert leaderboard(archive) == [
        LeaderboardRow(
            rank=1,
            candidate_id=candidate_id,
            name="greedy",
            baseline=True,
            holdout=0.5,
            holdout_low=interval.low,
            holdout_high=interval.high,
            validation=0.625,
            search=0.75,
            task="toy",
            task_identity=TASK_IDENTITY,
            parameters=a_run().parameters,
            environment_class=ENVIRONMENT_CLASS,
            sandbox=ENVIRONMENT.sandbox,
            tier="full",
            planner_clock="measured",
        )
    ]


def test_ranks_are_by_holdout_and_equals_share_one(archive: Archive) -> None:
    for number, holdout in enumerate([0.25, 0.75, 0.5, 0.75], start=1):
        score(archive, number, an_evaluation(1.0 - holdout), a_holdout(holdout))
    assert [(row.rank, row.holdout) for row in leaderboard(archive)] == [(1, 0.75), (1, 0.75), (3, 0.5), (4, 0.25)]
    first, second = leaderboard(archive)[:2]
    assert [first.candidate_id, second.candidate_id] == [a_candidate(2).id, a_candidate(4).id]


def test_looks_of_a_run_at_its_champion_are_no_validation_of_the_ranking(archive: Archive) -> None:
    look = an_evaluation(0.125, split=Split.VALIDATION, seeds="c" * 16)
    candidate_id = score(archive, 1, a_validation(0.5), look)
    by_hand = an_evaluation(0.25, split=Split.VALIDATION, seeds="d" * 16)
    assert [row.validation for row in leaderboard(archive)] == [0.5]
    archive.add_evaluation(candidate_id, by_hand, a_key(candidate_id, by_hand))
    assert [row.validation for row in leaderboard(archive)] == [0.375]


def test_without_holdout_programs_follow_unranked(archive: Archive) -> None:
    searched = score(archive, 1, an_evaluation(0.9))
    validated = score(archive, 2, an_evaluation(0.2), a_validation(0.1))
    ranked = score(archive, 3, an_evaluation(0.1), a_holdout(-0.5))
    rows = leaderboard(archive)
    assert [(row.candidate_id, row.rank) for row in rows] == [(ranked, 1), (validated, None), (searched, None)]
    assert (rows[2].holdout, rows[2].holdout_low, rows[2].tier) == (None, None, "quick")


def test_failures_and_smoke_scores_are_not_listed(archive: Archive) -> None:
    score(archive, 1, a_failed_evaluation(Outcome.CRASHED))
    score(archive, 2, a_failed_evaluation(Outcome.INFRASTRUCTURE))
    score(archive, 3, an_evaluation(1.0, tier=Tier.SMOKE))
    assert leaderboard(archive) == []


def test_machines_parameters_and_clocks_are_ranked_apart(archive: Archive) -> None:
    score(archive, 1, a_holdout(0.5))
    score(archive, 2, replace(a_holdout(0.75), environment_class="another machine"))
    score(archive, 3, replace(a_holdout(0.75), task_identity="f" * 12, parameters={"gpus": 64}))
    score(archive, 4, a_holdout(0.25), clock="modelled")
    assert [row.rank for row in leaderboard(archive)] == [1, 1, 1, 1]
    assert [row.holdout for row in leaderboard(archive, environment_class="another machine")] == [0.75]
    others = leaderboard(archive, task_identity="f" * 12)
    assert [(row.candidate_id, row.parameters) for row in others] == [(a_candidate(3).id, {"gpus": 64})]
    assert len(leaderboard(archive, "toy")) == 4
    assert leaderboard(archive, "another task") == []


def test_parameters_that_nobody_told_are_told_by_the_next_evaluation(archive: Archive) -> None:
    untold = score(archive, 1, replace(a_holdout(0.5), parameters=None))
    assert [row.parameters for row in leaderboard(archive)] == [None]
    assert [made.evaluation.parameters for made in archive.evaluations(untold)] == [None]
    score(archive, 2, a_holdout(0.25))
    assert [row.parameters for row in leaderboard(archive)] == [PARAMETERS, PARAMETERS]
    assert [made.evaluation.parameters for made in archive.evaluations(untold)] == [PARAMETERS]


def test_one_tier_is_ranked_the_one_most_programs_have(archive: Archive) -> None:
    score(archive, 1, a_holdout(0.5))
    score(archive, 2, a_holdout(0.25))
    lone = score(archive, 3, a_holdout(0.9, Tier.REPORT))
    rows = leaderboard(archive)
    assert [(row.rank, row.holdout) for row in rows] == [(1, 0.5), (2, 0.25), (None, 0.9)]
    assert (rows[2].candidate_id, rows[2].tier) == (lone, "report")


def test_program_searched_by_many_runs_is_one_row(archive: Archive) -> None:
    """A baseline has a search score in each run: the mean is shown, and it crowds nobody out."""
    archive.add_candidate(a_candidate(1))
    for number in range(300):
        evaluation = an_evaluation(0.8 if number % 2 else 0.6, seeds=f"{number:016x}")
        archive.add_evaluation(a_candidate(1).id, evaluation, a_key(a_candidate(1).id, evaluation), RUN_ID)
    other = score(archive, 2, an_evaluation(0.1))
    rows = leaderboard(archive)
    assert [row.candidate_id for row in rows] == [a_candidate(1).id, other]
    assert rows[0].search == pytest.approx(0.7)


def test_few_instances_give_no_interval(archive: Archive) -> None:
    holdout = a_holdout(0.5)
    score(archive, 1, replace(holdout, instances=holdout.instances[:3]))
    (row,) = leaderboard(archive)
    assert (row.holdout, row.holdout_low, row.holdout_high) == (0.5, None, None)


def test_rows_are_limited_per_league(archive: Archive) -> None:
    for number in range(1, 8):
        score(archive, number, an_evaluation(number / 10))
    assert [row.search for row in leaderboard(archive, max_rows=3)] == [0.7, 0.6, 0.5]


def test_evolved_programs_are_named_by_run_and_attempt(archive: Archive) -> None:
    samples.finish(archive, an_attempt(4), a_candidate(1), an_evaluation(0.5))
    stray = a_candidate(2)
    archive.add_candidate(stray)
    archive.add_evaluation(stray.id, an_evaluation(0.25), a_key(stray.id, an_evaluation()))
    assert [row.name for row in leaderboard(archive)] == [f"{RUN_ID}/4", stray.id[:10]]


# Runs


def test_lineage_goes_back_to_the_founder(archive: Archive) -> None:
    found(archive, FounderRole.INITIAL, "initial", 0)
    first = samples.finish(archive, an_attempt(0), a_candidate(1), an_evaluation(0.1))
    samples.finish(archive, an_attempt(1), a_candidate(2), an_evaluation(0.2))
    third = replace(an_attempt(2), parent_id=a_candidate(1).id)
    third = samples.finish(archive, third, a_candidate(3), an_evaluation(0.3))
    assert lineage(archive, RUN_ID, a_candidate(3).id) == [first, third]
    assert lineage(archive, RUN_ID, a_candidate().id) == []
    assert lineage(archive, RUN_ID, a_candidate(9).id) == []


def test_lineage_ends_where_programs_were_made_twice(archive: Archive) -> None:
    """Without the duplicate gate 1 -> 2 -> 1 can happen; the first making counts."""
    first = samples.finish(archive, an_attempt(0), a_candidate(1), an_evaluation())
    second = replace(an_attempt(1), parent_id=a_candidate(1).id)
    second = samples.finish(archive, second, a_candidate(2), an_evaluation())
    again = replace(an_attempt(2), parent_id=a_candidate(2).id)
    samples.finish(archive, again, a_candidate(1), an_evaluation())
    assert lineage(archive, RUN_ID, a_candidate(2).id) == [first, second]


def test_outcomes_are_counted_at_the_largest_tier(archive: Archive) -> None:
    smoke = an_evaluation(tier=Tier.SMOKE)
    samples.finish(archive, an_attempt(0), a_candidate(1), smoke, an_evaluation())
    samples.finish(archive, an_attempt(1), a_candidate(2), smoke, a_failed_evaluation(Outcome.TIMED_OUT))
    samples.finish(archive, an_attempt(2), a_candidate(3), a_failed_evaluation(Outcome.CRASHED, tier=Tier.SMOKE))
    samples.finish(archive, an_attempt(3), a_candidate(4))
    samples.reject(archive, an_attempt(4), a_candidate(1), a_candidate(1).id)
    archive.add_attempt(an_attempt(5))
    expected = {"scored": 1, "timed_out": 1, "crashed": 1, "unknown": 1, "rejected": 1}
    assert outcome_counts(archive, RUN_ID) == expected


def test_outcomes_reused_from_a_run_of_the_same_secret_count(archive: Archive) -> None:
    samples.finish(archive, an_attempt(0), a_candidate(1), an_evaluation())
    archive.add_run(a_run("eeeeeeee"))
    samples.finish(archive, an_attempt(0, "eeeeeeee"), a_candidate(1), an_evaluation())
    assert archive.evaluations_of_run("eeeeeeee") == []
    assert outcome_counts(archive, "eeeeeeee") == {"scored": 1}


def test_operators_are_judged_against_their_parents(archive: Archive) -> None:
    score(archive, 0, an_evaluation(0.5), an_evaluation(0.0, tier=Tier.SMOKE))
    found(archive, FounderRole.INITIAL, "initial", 0)
    smoke = an_evaluation(0.4, tier=Tier.SMOKE)
    samples.finish(archive, an_attempt(0), a_candidate(1), smoke, an_evaluation(0.6))
    samples.finish(archive, an_attempt(1), a_candidate(2), smoke, an_evaluation(0.5))
    samples.finish(archive, an_attempt(2), a_candidate(3), smoke, a_failed_evaluation())
    samples.reject(archive, an_attempt(3), a_candidate(1), a_candidate(1).id)
    samples.finish(archive, replace(an_attempt(4), operator="crossover"), a_candidate(4), an_evaluation(0.7))
    mutate, crossover = operator_rates(archive, RUN_ID)
    assert (mutate.operator, mutate.attempts, mutate.rejected, mutate.scored) == ("mutate", 4, 1, 2)
    assert mutate.improved == 1  # attempt 2 beat its parent in smoke, then failed
    assert (crossover.operator, crossover.attempts, crossover.improved) == ("crossover", 1, 1)


def test_usage_sums_calls_and_work(archive: Archive) -> None:
    samples.finish(archive, an_attempt(0), a_candidate(1), an_evaluation())
    for ordinal, price in enumerate([0.5, None, 0.25]):
        archive.add_reply(replace(a_reply(ordinal=ordinal), price_usd=price))
    assert usage(archive, RUN_ID) == Usage(
        calls=3,
        prompt_tokens=2100,
        reply_tokens=36,
        price_usd=0.75,
        unpriced_calls=1,
        evaluations=1,
        cpu_s=1.25,
        wall_s=1.5,
    )
    assert usage(archive, "other").calls == 0
