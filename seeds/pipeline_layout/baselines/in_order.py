"""Devices in their order, those of a stage side by side; layers and micro-batches cut evenly: score 0.

Source: the order of ranks of Megatron-LM (Narayanan et al., arXiv 2104.04473), on devices that come in no order. As few
stages as an even cut fits into, and as many replicas as there are devices for.
"""

import numpy as np


def layout(devices, latency_s, gb_per_s, job, seed):
    """The task's interface."""
    number = len(devices["tflops"])
    for stages in range(1, min(job["layers"], number) + 1):
        replicas = min(number // stages, job["micro_batches"])
        layers, batches = evenly(job["layers"], stages), evenly(job["micro_batches"], replicas)
        device = np.arange(stages * replicas).reshape(stages, replicas).T
        waiting = np.minimum(np.arange(stages, 0, -1), batches[:, None])
        needed = layers * (job["state_gb"] + job["stash_gb"] * waiting)
        if (needed <= devices["memory_gb"][device]).all():
            break
    stage, replica = np.full(number, -1), np.full(number, -1)
    stage[device], replica[device] = np.arange(stages), np.arange(replicas)[:, None]
    return {
        "stage": stage,
        "replica": replica,
        "layers": np.append(layers, np.zeros(number - stages, dtype=np.int64)),
        "micro_batches": np.append(batches, np.zeros(number - replicas, dtype=np.int64)),
    }


def evenly(total, parts):
    """Parts that differ by one at most, the larger first."""
    return total // parts + (np.arange(parts) < total % parts)
