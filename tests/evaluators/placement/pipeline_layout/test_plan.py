"""What is no layout is said with what was expected and found."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.placement.pipeline_layout.plan import Plan, evenly, in_order, memory_fault, read_plan
from tests.evaluators.placement.pipeline_layout.networks import a_job, random_network

NETWORK = random_network(np.random.default_rng(0), 5, (30.0, 40.0))
VALID = {"stage": [0, 1, 0, 1, -1], "replica": [0, 0, 1, 1, -1], "layers": [4, 2, 0, 0, 0], "batches": [5, 3, 0, 0, 0]}


def read(**changed: list[int]) -> Plan | str:
    fields = {name: np.array(values) for name, values in (VALID | changed).items()}
    job = a_job(layers=6, micro_batches=8)
    return read_plan(fields["stage"], fields["replica"], fields["layers"], fields["batches"], job, NETWORK)


def test_a_layout_is_read() -> None:
    plan = read()
    assert isinstance(plan, Plan)
    assert plan.device_KP.tolist() == [[0, 1], [2, 3]]
    assert (plan.num_stages, plan.num_replicas) == (2, 2)
    assert plan.layers_P.tolist() == [4, 2]
    assert plan.batches_K.tolist() == [5, 3]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"stage": [-1] * 5, "replica": [-1] * 5}, "expected a device that is used"),
        ({"replica": [0, 0, 1, 1, 0]}, "device 4: expected a stage and a replica or -1 for both, found -1 and 0"),
        ({"stage": [0, 1, 0, 1, 1], "replica": [0, 0, 1, 1, 1]}, "stage 1 of replica 1: expected one device, found 2"),
        ({"stage": [0, 1, 0, 2, -1]}, "stage 2 of replica 0: expected one device, found 0"),
        ({"stage": [0, 1, 0, 7, -1]}, "expected stages and replicas from -1 to 4"),
        ({"stage": [0, 1, 0, 2**62, -1]}, "expected stages and replicas from -1 to 4"),
        ({"stage": [0, -2, 0, 1, -1]}, "expected stages and replicas from -1 to 4"),
        ({"layers": [6, 0, 0, 0, 0]}, "layers: expected 1 or more for stage 1, found 0"),
        ({"layers": [4, 1, 1, 0, 0]}, "layers: expected 0 from place 2 on, for there are 2, found 1"),
        ({"layers": [4, 3, 0, 0, 0]}, "layers: expected a sum of 6, found 7"),
        ({"batches": [4, 3, 0, 0, 0]}, "micro_batches: expected a sum of 8, found 7"),
        ({"batches": [2**62, 2**62, 0, 0, 0]}, "micro_batches: expected a sum of 8"),
        ({"batches": [9, -1, 0, 0, 0]}, "micro_batches: expected 1 or more for replica 1, found -1"),
    ],
)
def test_what_does_not_fit_together_is_said(changed: dict[str, list[int]], sentence: str) -> None:
    found = read(**changed)
    assert isinstance(found, str)
    assert sentence in found


def test_memory_holds_the_micro_batches_that_wait() -> None:
    job = a_job(layers=6, micro_batches=8)
    plan = read()
    assert isinstance(plan, Plan)
    needed = 4 * (job.state_gb + 2 * job.stash_gb)  # the first stage keeps two
    enough = NETWORK.memory_D.copy()
    enough[2] = needed
    tight = random_network(np.random.default_rng(0), 5)
    tight.memory_D[:] = enough
    assert memory_fault(plan, job, tight) == ""
    tight.memory_D[2] = needed * 0.999
    assert "device 2 (stage 0 of replica 1): expected at most" in memory_fault(plan, job, tight)


def test_the_weak_baseline_takes_as_few_stages_as_fit() -> None:
    job = a_job(layers=6, micro_batches=8)
    roomy = in_order(job, NETWORK)
    assert roomy is not None
    assert roomy.device_KP.shape == (5, 1)
    tight = random_network(np.random.default_rng(0), 5)
    tight.memory_D[:] = 3 * (job.state_gb + 2 * job.stash_gb)
    halved = in_order(job, tight)
    assert halved is not None
    assert halved.device_KP.tolist() == [[0, 2], [1, 3]]
    tight.memory_D[:] = 0.01
    assert in_order(job, tight) is None


def test_an_even_cut_gives_the_larger_parts_first() -> None:
    assert evenly(7, 3).tolist() == [3, 2, 2]
