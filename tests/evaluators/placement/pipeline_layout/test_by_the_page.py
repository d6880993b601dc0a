"""Layouts judged a second time, device by device from the page's rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Ints, Network
from evaluators.placement.pipeline_layout.plan import read_plan
from evaluators.placement.pipeline_layout.step_time import step_time
from tests.evaluators.placement.pipeline_layout.networks import a_job, random_network, random_parts

Answer = tuple[Ints, Ints, Ints, Ints]


def step_by_hand(answer: Answer, job: Job, network: Network) -> float | None:
    """Seconds; None of an answer that breaks a rule."""
    stage, replica, layers, batches = ([int(x) for x in array] for array in answer)
    devices = range(network.num_devices)
    used = [d for d in devices if stage[d] >= 0 and replica[d] >= 0]
    if not used or any((stage[d], replica[d]) != (-1, -1) for d in devices if d not in used):
        return None
    stages, replicas = max(stage[d] for d in used) + 1, max(replica[d] for d in used) + 1
    holds = {(replica[d], stage[d]): d for d in used}
    if len(holds) < len(used) or set(holds) != set(itertools.product(range(replicas), range(stages))):
        return None
    for parts, number, total in ((layers, stages, job.layers), (batches, replicas, job.micro_batches)):
        if min(parts[:number]) < 1 or any(parts[number:]) or sum(parts) != total:
            return None
    for (r, s), d in holds.items():
        if layers[s] * (job.state_gb + job.stash_gb * min(stages - s, batches[r])) > network.memory_D[d] * (1 + 1e-9):
            return None
    pipelines = [
        pipeline_by_hand([holds[r, s] for s in range(stages)], layers, batches[r], job, network)
        for r in range(replicas)
    ]
    exchanges = [
        exchange_by_hand([holds[r, s] for r in range(replicas)], layers[s], job, network) for s in range(stages)
    ]
    return max(pipelines) + max(exchanges)


def pipeline_by_hand(path: list[int], layers: list[int], batches: int, job: Job, network: Network) -> float:
    compute = [n * job.layer_tflop / network.tflops_D[d] for n, d in zip(layers, path, strict=False)]
    links = [(a, b) for a, b in itertools.pairwise(path)]
    both = [link for a, b in links for link in ((a, b), (b, a))]
    hops = sum(network.latency_DD[link] + job.boundary_gb / network.rate_DD[link] for link in both)
    beat = max([*compute, *(job.boundary_gb / network.rate_DD[link] for link in both)])
    return float(sum(compute) + hops + (batches - 1) * beat)


def exchange_by_hand(group: list[int], layers: int, job: Job, network: Network) -> float:
    def seconds(a: int, b: int) -> float:
        part_gb = layers * job.layer_gb / len(group)
        ways = ((a, b), (b, a))
        return float(sum(network.latency_DD[way] + part_gb / network.rate_DD[way] for way in ways))

    return max(sum(seconds(a, b) for b in group if b != a) for a in group)


def an_answer(rng: np.random.Generator, job: Job, network: Network) -> Answer:
    """Mostly valid, at times with one number changed."""
    devices = network.num_devices
    stages = int(rng.integers(1, min(job.layers, devices) + 1))
    replicas = int(rng.integers(1, min(job.micro_batches, devices // stages) + 1))
    chosen = rng.permutation(devices)[: stages * replicas]
    stage, replica = np.full(devices, -1), np.full(devices, -1)
    stage[chosen], replica[chosen] = np.arange(len(chosen)) % stages, np.arange(len(chosen)) // stages
    parts = [random_parts(rng, job.layers, stages), random_parts(rng, job.micro_batches, replicas)]
    layers, batches = (np.append(p, np.zeros(devices - len(p), dtype=np.int64)) for p in parts)
    answer = (stage, replica, layers, batches)
    if rng.random() < 0.4:
        answer[rng.integers(4)][rng.integers(devices)] += rng.choice([-2, -1, 1, 2])
    return answer


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), devices=st.integers(2, 7), layers=st.integers(2, 8), batches=st.integers(2, 9))
def test_layouts_are_judged_as_the_rules_say(seed: int, devices: int, layers: int, batches: int) -> None:
    rng = np.random.default_rng(seed)
    job, network = a_job(layers, batches), random_network(rng, devices)
    for _ in range(30):
        answer = an_answer(rng, job, network)
        by_hand = step_by_hand(answer, job, network)
        plan = read_plan(*answer, job, network)
        assert isinstance(plan, str) == (by_hand is None), plan
        if by_hand is not None and not isinstance(plan, str):
            assert step_time(plan, job, network).total == pytest.approx(by_hand, rel=1e-12)
