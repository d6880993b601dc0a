from __future__ import annotations

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.placement.expert_topology.plan import check_placement
from evaluators.placement.expert_topology.scenario import Scenario, build_scenario
from tests.evaluators.placement.expert_topology.scenes import CLOCK, a_system, draw_routing
from tests.in_process import InProcessCandidate

ROW = [0, 1, 2, 3, 4, 5, 6, 7]


def a_scenario() -> Scenario:
    system = a_system()
    return build_scenario("scene-coherent-0", "scene", system, draw_routing(system, 1), 7)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 8], r"layer 1, slot 7: expected an expert from 0 to 7, found 8"),
        ([0, 1, 2, 3, 4, 5, 6, -1], r"layer 1, slot 7: expected an expert from 0 to 7, found -1"),
        ([0, 1, 2, 3, 4, 5, 6, 6], r"layer 1: expert 7 is in no slot"),
    ],
)
def test_a_broken_row_is_named_with_its_layer(row: list[int], found: str) -> None:
    with pytest.raises(CandidateFailure, match=found) as failure:
        check_placement(np.array([ROW, row, ROW]), a_system())
    assert failure.value.outcome is Outcome.INVALID


def test_an_expert_twice_on_a_gpu_is_refused() -> None:
    with pytest.raises(CandidateFailure, match="layer 0: expert 0 is twice on GPU 0; a GPU may hold one copy"):
        check_placement(np.array([[0, 0, 1, 2, 3, 4, 5, 6]]), a_system(experts=7, layers=1))


def test_a_program_cannot_change_what_it_is_scored_on() -> None:
    vandal = """
import numpy as np
def place(trace, source, config):
    try:
        trace[:] = 0
    except ValueError:
        pass
    config["slots"] = 1
    config["cost_us"] = np.zeros(1)
    return np.tile(np.arange(8), (3, 1))
"""
    honest = "import numpy as np\ndef place(trace, source, config):\n    return np.tile(np.arange(8), (3, 1))\n"
    scenario = a_scenario()
    assert scenario.play(InProcessCandidate(vandal), CLOCK) == scenario.play(InProcessCandidate(honest), CLOCK)
    assert scenario.play(InProcessCandidate(honest), CLOCK).score == 0.0


def test_a_program_sees_none_of_the_tokens_that_count() -> None:
    scenario = a_scenario()
    candidate = InProcessCandidate("import numpy as np\ndef place(t, s, c):\n    return np.tile(np.arange(8), (3, 1))")
    scenario.play(candidate, CLOCK)
    ((_, (trace, source, _)),) = candidate.calls
    assert trace is scenario.workload.shown.ids_TLK
    assert source is scenario.workload.shown.source_T
    assert not np.shares_memory(scenario.workload.shown.ids_TLK, scenario.workload.scored.ids_TLK)


def test_experts_that_are_renamed_and_gpus_that_are_exchanged_win_nothing() -> None:
    scenario = a_scenario()
    order = np.tile(np.arange(8), (3, 1))
    within = order.reshape(3, 4, 2)[:, :, ::-1].reshape(3, 8)  # the slots of a GPU change places
    assert scenario.result(within).score == scenario.result(order).score
