from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators import jsonable, registry
from evaluators.contract import FLOOR, ContractError, InstanceResult, Limits, Outcome, Picture, Task, overall_outcome
from evaluators.toy import PROBLEM


def an_instance(outcome: Outcome, score: float | None = None) -> InstanceResult:
    return InstanceResult(name="x", regime="r", outcome=outcome, score=score)


def instances(**counts: int) -> list[InstanceResult]:
    return [an_instance(Outcome(name)) for name, count in counts.items() for _ in range(count)]


def test_one_failure_in_ten_is_still_scored() -> None:
    assert overall_outcome(instances(scored=9, crashed=1)) is Outcome.SCORED


def test_more_failures_than_one_in_ten_take_the_most_frequent() -> None:
    assert overall_outcome(instances(scored=8, crashed=1, timed_out=2)) is Outcome.TIMED_OUT


@pytest.mark.parametrize("decisive", [Outcome.TAMPERED, Outcome.INFRASTRUCTURE])
def test_a_single_tampered_or_infrastructure_instance_decides(decisive: Outcome) -> None:
    assert overall_outcome(instances(scored=99, **{decisive.value: 1})) is decisive


def test_nothing_played_is_not_scored() -> None:
    assert overall_outcome([]) is Outcome.INVALID


def test_a_failed_instance_counts_as_the_floor() -> None:
    assert an_instance(Outcome.CRASHED).counted_score == FLOOR
    assert an_instance(Outcome.SCORED, 0.25).counted_score == 0.25


def test_identity_follows_parameters_and_revision() -> None:
    task = PROBLEM.task
    other = PROBLEM.configured({"hints": 9}).task
    assert task.identity != other.identity
    assert PROBLEM.configured({"hints": "8"}).task.identity == task.identity


def test_unknown_metric_names_the_known_ones() -> None:
    with pytest.raises(ContractError, match="score, error"):
        PROBLEM.task.metric("speed")


def test_a_task_survives_json() -> None:
    assert jsonable.loads(Task, jsonable.dumps(PROBLEM.task)) == PROBLEM.task


scores = st.none() | st.floats(-1, 1)
results = st.builds(
    InstanceResult,
    name=st.text(max_size=20),
    regime=st.text(max_size=5),
    outcome=st.sampled_from(Outcome),
    score=scores,
    metrics=st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    delays_s=st.lists(st.floats(0, 10), max_size=4).map(tuple),
    detail=st.text(max_size=30),
)


@given(results)
def test_instance_results_survive_json(result: InstanceResult) -> None:
    assert jsonable.loads(InstanceResult, jsonable.dumps(result)) == result


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "expected JSON"),
        ('{"name": "a", "regime": "b"}', "missing keys"),
        ('{"name": "a", "regime": "b", "outcome": "scored", "extra": 1}', "unknown keys"),
        ('{"name": "a", "regime": "b", "outcome": "great"}', "one of"),
        ('{"name": 1, "regime": "b", "outcome": "scored"}', "InstanceResult.name"),
        ('{"name": "a", "regime": "b", "outcome": "scored", "metrics": {"m": "x"}}', "a number"),
    ],
)
def test_json_that_does_not_fit_names_the_place(text: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        jsonable.loads(InstanceResult, text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_values_without_a_json_form_are_refused(value: object) -> None:
    with pytest.raises(ContractError):
        jsonable.dumps({"x": value})


def test_nested_tuples_read_back_as_tuples() -> None:
    picture = Picture(name="p", chart="line", columns=("x", "y"), rows=((0.0, 1.0), (1.0, 2.0)))
    assert jsonable.loads(Picture, jsonable.dumps(picture)) == picture


@pytest.mark.parametrize(
    "name",
    [
        "broadcast", "circle_packing", "cluster_balance", "expert_replication", "expert_topology", "job_shop",
        "llm_serving", "model_packing", "pipeline_layout", "pipeline_schedule", "sequence_split", "spot_deadline",
        "table_reorder", "task_graph", "tier_cache", "transaction_order",
    ],
)  # fmt: skip
def test_a_program_within_its_cpu_time_has_five_times_as_long_on_a_loaded_machine(name: str) -> None:
    for limits in registry.problem(name).task.limits.values():
        assert min(limits.wall_s, limits.call_wall_s) >= 5 * limits.cpu_s
        assert limits.wall_s > limits.call_wall_s


def test_small_cpu_limits_leave_time_to_start_a_program() -> None:
    assert Limits.of_cpu(0.1).call_wall_s >= 10.0
