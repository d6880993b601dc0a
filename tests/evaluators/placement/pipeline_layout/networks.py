"""Small jobs and networks, and random layouts of them."""

from __future__ import annotations

import numpy as np

from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Network
from evaluators.placement.pipeline_layout.plan import Plan, memory_fault


def a_job(layers: int = 6, micro_batches: int = 8) -> Job:
    return Job(layers=layers, hidden=1024, sequence=2048, micro_batches=micro_batches)


def random_network(rng: np.random.Generator, devices: int, memory_gb: tuple[float, float] = (4.0, 12.0)) -> Network:
    """Speeds, memories, latencies and rates of their own, both directions of a link too."""
    shape = (devices, devices)
    latency = rng.choice([0.0, 1e-4, 0.02, 0.1], shape) * rng.uniform(0.5, 2.0, shape)
    rate = rng.choice([0.05, 1.0, 20.0], shape) * rng.uniform(0.5, 2.0, shape)
    np.fill_diagonal(latency, 0.0)
    np.fill_diagonal(rate, np.inf)
    return Network(
        tflops_D=rng.choice([20.0, 60.0, 150.0], devices) * rng.uniform(0.7, 1.3, devices),
        memory_D=rng.uniform(*memory_gb, devices),
        latency_DD=latency,
        rate_DD=rate,
    )


def random_plan(rng: np.random.Generator, job: Job, network: Network) -> Plan | None:
    """A plan with random numbers, devices and cuts; None if it does not fit."""
    stages = int(rng.integers(1, min(job.layers, network.num_devices) + 1))
    replicas = int(rng.integers(1, min(job.micro_batches, network.num_devices // stages) + 1))
    plan = Plan(
        device_KP=rng.permutation(network.num_devices)[: stages * replicas].reshape(replicas, stages),
        layers_P=random_parts(rng, job.layers, stages),
        batches_K=random_parts(rng, job.micro_batches, replicas),
    )
    return None if memory_fault(plan, job, network) else plan


def random_parts(rng: np.random.Generator, total: int, parts: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Positive numbers that sum to `total`."""
    cuts = np.sort(rng.choice(np.arange(1, total), parts - 1, replace=False))
    return np.diff(np.concatenate([[0], cuts, [total]])).astype(np.int64)
