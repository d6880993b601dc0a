from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archive.records import StoredEvaluation
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock, Split
from evaluators.seeding import SeedSource, fresh_secret, secret_from_seed
from evaluators.toy import PROBLEM
from evolve.known_seeds import KnownSeeds
from evolve.verification import contradiction, first_difference, replay_request
from tests.evolve.evaluations import a_failed_evaluation, an_evaluation

SCORED = an_evaluation([0.1 * i for i in range(10)] + [0.3, 0.7])


def stored(evaluation: Evaluation, clock: PlannerClock = PlannerClock.MEASURED) -> StoredEvaluation:
    return StoredEvaluation(
        id=17,
        candidate_id="c" * 64,
        run_id=None,
        attempt_index=None,
        evaluation=evaluation,
        created_at="",
        planner_clock=clock,
    )


def with_instance(evaluation: Evaluation, index: int, **changes: object) -> Evaluation:
    instances = list(evaluation.instances)
    instances[index] = replace(instances[index], **changes)  # type: ignore[arg-type]
    return replace(evaluation, instances=tuple(instances))


@pytest.mark.parametrize("evaluation", [SCORED, a_failed_evaluation(Outcome.CRASHED)])
def test_an_honest_row_contradicts_nothing(evaluation: Evaluation) -> None:
    assert contradiction(stored(evaluation)) == ""


@pytest.mark.parametrize(
    ("edited", "place"),
    [
        (replace(SCORED, objective=0.99), "score"),
        (replace(SCORED, metrics={"error": 0.0}), "metric error"),
        (with_instance(SCORED, 3, score=0.31), "score"),
        (with_instance(SCORED, 3, metrics={"error": 0.1}), "metric error"),
        (with_instance(a_failed_evaluation(Outcome.CRASHED), 0, outcome=Outcome.TAMPERED), "outcome"),
    ],
)
def test_an_edited_row_contradicts_itself(edited: Evaluation, place: str) -> None:
    assert place in contradiction(stored(edited))


@pytest.mark.parametrize(
    ("edited", "place"),
    [
        (with_instance(SCORED, 3, score=0.3 + 1e-16 * 4), "instance i3 has score"),
        (with_instance(SCORED, 4, metrics={"error": 0.1}), "instance i4 has error"),
        (with_instance(SCORED, 5, outcome=Outcome.CRASHED, score=None), "instance i5 is crashed"),
        (with_instance(SCORED, 6, name="other"), "its instances are"),
        (replace(SCORED, objective=0.5), "its score is"),
    ],
)
def test_the_last_bit_counts(edited: Evaluation, place: str) -> None:
    assert first_difference(SCORED, SCORED) == ""
    assert place in first_difference(edited, SCORED)


def test_time_and_texts_are_not_compared() -> None:
    assert first_difference(SCORED, replace(SCORED, cpu_s=9.0, wall_s=9.0, feedback="else")) == ""


def test_a_measured_evaluation_is_replayed_with_its_delays() -> None:
    delayed = with_instance(SCORED, 0, delays_s=(0.0, 0.032))
    request = replay_request("", stored(delayed), "secret")
    assert request.clock is PlannerClock.REPLAYED
    assert request.stored_delays_s["i0"] == (0.0, 0.032)
    modelled = replay_request("", stored(delayed, PlannerClock.MODELLED), "secret")
    assert (modelled.clock, modelled.stored_delays_s) == (PlannerClock.MODELLED, {})


def test_secrets_are_found_by_their_digest(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        known = KnownSeeds(archive, PROBLEM.task, seeds=[123456])
        for seed in (0, 999, 123456):
            secret = secret_from_seed(seed)
            assert known.secret(Split.VALIDATION, SeedSource(secret, Split.VALIDATION).digest()) == secret
        holdout = SeedSource(archive.holdout_secret(), Split.HOLDOUT).digest()
        assert known.secret(Split.HOLDOUT, holdout) == archive.holdout_secret()
        assert known.secret(Split.SEARCH, SeedSource(fresh_secret(), Split.SEARCH).digest()) is None
