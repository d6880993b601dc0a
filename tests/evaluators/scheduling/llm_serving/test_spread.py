"""The order of known policies on recorded traffic: what the task is for must be visible in it."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.serving_spread import REPLAYS, attainments
from tests.evaluators.scheduling.llm_serving.serving import trace_file


def test_better_policies_attain_more_on_recorded_conversations() -> None:
    replay = replace(
        REPLAYS["conversation"], programs=("random_choice", "round_robin", "predicted_work", "shortest_first", "vllm")
    )
    found = attainments(replay, trace_file(replay.trace).parent)
    random, turns, work, shortest, prefill_first = (found[name]["attainment"] for name in replay.programs)
    assert prefill_first < random < turns < work < shortest
    assert shortest - turns > 0.05


def test_knowing_caches_and_work_attains_more_on_recorded_sessions() -> None:
    replay = replace(
        REPLAYS["sessions"], programs=("round_robin", "least_outstanding", "predicted_work", "prefix_aware"), first=3000
    )
    found = attainments(replay, trace_file(replay.trace).parent)
    turns, outstanding, work, prefix = (found[name]["attainment"] for name in replay.programs)
    assert turns < outstanding < work < prefix
    assert found["prefix_aware"]["hit_rate"] > 2 * found["round_robin"]["hit_rate"]
