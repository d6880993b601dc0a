from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.contract import InstanceResult, Outcome
from evaluators.racing import LOOKS, Race, find_twin, play_order, reason_to_stop

REGIMES = ["slow", "fast", "burst"] * 7


def results(scores: list[float], digests: list[str] | None = None) -> dict[int, InstanceResult]:
    return {
        place: InstanceResult(
            name=f"i{place}",
            regime="r",
            outcome=Outcome.SCORED,
            score=score,
            behaviour=digests[place] if digests else "",
        )
        for place, score in enumerate(scores)
    }


def is_stopped(race: Race, scores: np.ndarray) -> bool:
    played = results([float(score) for score in scores])
    prefixes = ({place: played[place] for place in range(number)} for number in range(1, len(scores)))
    return any(reason_to_stop(race, len(scores), 1, prefix) for prefix in prefixes)


def a_draw(shape: str, size: int, rng: np.random.Generator) -> np.ndarray:
    """Differences to a parent that is as good."""
    match shape:
        case "normal":
            return rng.normal(size=size)
        case "heavy":
            return rng.standard_t(2, size)
        case _:  # sparse: most instances do not tell the two apart
            return rng.normal(size=size) * (rng.random(size) < 0.4)


def test_looks_see_all_regimes_alike_and_the_last_instances_come_first() -> None:
    order = play_order(REGIMES)
    assert sorted(order) == list(range(21))
    assert order[:3] == [18, 19, 20]
    for share in LOOKS:
        seen = [REGIMES[place] for place in order[: round(share * 21)]]
        assert max(seen.count(regime) for regime in set(REGIMES)) - min(seen.count(r) for r in set(REGIMES)) <= 1


def test_regimes_of_unequal_size_are_all_played() -> None:
    assert sorted(play_order(["a", "b", "a", "a"])) == [0, 1, 2, 3]
    assert play_order(["a", "b", "a", "a"])[:2] == [3, 1]


def test_a_program_that_loses_on_every_instance_is_stopped_at_the_first_look() -> None:
    race = Race(parent_scores=(0.5,) * 21)
    assert reason_to_stop(race, 21, 1, results([0.4] * 4)) == ""
    assert reason_to_stop(race, 21, 1, results([0.4] * 5)) == "worse than the parent by 0.1 on 5 of 21 instances"


def test_nothing_is_concluded_from_a_few_of_many_regimes() -> None:
    race = Race(parent_scores=(0.5,) * 15)
    played = {place: replace(result, regime=f"r{place}") for place, result in results([0.4] * 10).items()}
    stopped = [bool(reason_to_stop(race, 15, 15, dict(list(played.items())[:number]))) for number in range(1, 11)]
    assert stopped == [False] * 9 + [True]
    assert reason_to_stop(race, 15, 7, dict(list(played.items())[:5]))


def test_a_better_program_and_one_without_a_parent_play_on() -> None:
    for number in range(1, 22):
        assert reason_to_stop(Race(parent_scores=(0.5,) * 21), 21, 1, results([0.6] * number)) == ""
        assert reason_to_stop(Race(), 21, 1, results([0.0] * number)) == ""


def test_scores_of_another_workload_are_not_compared() -> None:
    assert reason_to_stop(Race(parent_scores=(0.5,) * 12), 21, 1, results([0.0] * 7)) == ""


@pytest.mark.parametrize("num_instances", [12, 21, 24])
@pytest.mark.parametrize("shape", ["normal", "heavy", "sparse"])
def test_a_program_as_good_as_its_parent_is_stopped_no_more_often_than_stated(num_instances: int, shape: str) -> None:
    rng = np.random.default_rng([num_instances, len(shape)])
    race = Race(parent_scores=(0.0,) * num_instances, error_rate=0.1)
    stopped = sum(is_stopped(race, a_draw(shape, num_instances, rng)) for _ in range(200))
    # at a true rate of 0.1, more than 33 of 200 would be seen with probability 0.002
    assert stopped <= 33


def test_most_of_those_that_are_clearly_worse_are_stopped() -> None:
    rng = np.random.default_rng(4)
    race = Race(parent_scores=(0.0,) * 21, error_rate=0.1)
    stopped = sum(is_stopped(race, rng.normal(-1.0, 1.0, 21)) for _ in range(100))
    assert stopped > 60


def test_a_twin_did_the_same_on_all_that_was_played() -> None:
    one, other = tuple("abcdefg" * 3), tuple("abcdefx" * 3)
    played = results([0.5] * 7, list("abcdefx"))
    assert find_twin([one, other], played) == 1
    assert find_twin([one], played) is None
    stopped = reason_to_stop(Race(twins=(one, other)), 21, 1, played)
    assert stopped == "did the same as an earlier program on 7 of 21 instances"


def test_programs_without_digests_have_no_twins() -> None:
    assert find_twin([("",) * 21], results([0.5] * 7)) is None
    assert find_twin([()], results([0.5] * 7, list("abcdefg"))) is None
