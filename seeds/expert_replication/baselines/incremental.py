"""The current placement with a few edits per layer, so that few weights move.

Method: local search from the incumbent under a move budget. EPLB plans from scratch and relocates nearly every replica
even when the load stands still; vLLM's expert balancer (github.com/vllm-project/vllm) keeps slots where it can, and
SwiftBalancer (github.com/vllm-project/vllm-ascend) moves redundant replicas only. Here an edit is either a swap of two
slots (two experts move) or a slot given from an expert with several replicas to one of the busiest GPU's experts (one
moves). Each step takes the edit that lowers the busiest GPU most per expert moved; all layers search at once.
"""

import numpy as np

Array = np.ndarray

MOVES = 16  # experts that may move per layer and window
MIN_GAIN = 0.01  # an edit must lower the busiest GPU by this share of the mean GPU load for each expert it moves
DECAY = 0.25  # weight of a window relative to the next newer one


class Policy:
    """Edits of the current placement for the averaged loads, even dispatch."""

    def __init__(self, config: dict) -> None:
        self.gpus = config["gpus"]

    def plan(self, loads: Array, samples: Array, placement: Array, window: int) -> dict:
        """The current placement, at most MOVES slots per layer changed."""
        return {"placement": edit(placement, moving_average(loads), self.gpus)}


def moving_average(loads: Array) -> Array:
    """Average load, (L, E), of the windows (W, L, E); weights fall by DECAY per window of age."""
    weights = DECAY ** np.arange(len(loads) - 1, -1, -1.0)
    return np.tensordot(weights / weights.sum(), loads.astype(np.float64), axes=1)


def edit(placement: Array, expected: Array, num_gpus: int) -> Array:
    """`placement`, (L, P), after the best edits that the budget allows; it stays valid."""
    placement, active = placement.copy(), np.arange(len(placement))
    left = np.full(len(placement), MOVES)
    threshold = MIN_GAIN * expected.sum(axis=1) / num_gpus
    while active.size:
        own, other, swap, gain = best_edits(placement[active], expected[active], num_gpus, left[active] > 1)
        worth = gain > threshold[active]
        active, own, other, swap = active[worth], own[worth], other[worth], swap[worth]
        given, received = placement[active, own], placement[active, other]
        placement[active, other] = given
        placement[active, own] = np.where(swap, received, given)
        left[active] -= 1 + swap
        active = active[left[active] > 0]
    return placement


def best_edits(rows: Array, expected: Array, num_gpus: int, may_swap: Array) -> tuple[Array, Array, Array, Array]:
    """Per layer: a slot of the busiest GPU, another slot, whether to swap (else copy), and the gain per expert moved."""
    num_layers, num_slots = rows.shape
    layers, gpu_of = np.arange(num_layers)[:, None], np.arange(num_slots) // (num_slots // num_gpus)
    hosts = np.zeros((num_layers, expected.shape[1], num_gpus), dtype=bool)
    hosts[layers, rows, gpu_of] = True
    copies = hosts.sum(axis=2)
    weights = (expected / copies)[layers, rows]
    gpu_loads = weights.reshape(num_layers, num_gpus, -1).sum(axis=2)
    busiest = gpu_loads.argmax(axis=1)[:, None]
    own = busiest * (num_slots // num_gpus) + np.arange(num_slots // num_gpus)  # (L, S): the busiest GPU's slots
    has_given = hosts[layers, rows[layers, own]][:, :, gpu_of]
    has_received = hosts[layers, rows, busiest][:, None, :]
    after = np.stack(
        [
            after_copy(rows, own, expected, copies, gpu_loads[:, gpu_of]),
            after_swap(weights, own, gpu_loads[:, gpu_of]),
        ]
    )
    after[:, has_given] = np.inf
    after[1, np.broadcast_to(has_received, has_given.shape) | ~may_swap[:, None, None]] = np.inf
    gains = (gpu_loads.max(axis=1)[:, None, None] - after) / np.array([1.0, 2.0])[:, None, None, None]
    best = gains.transpose(1, 0, 2, 3).reshape(num_layers, -1).argmax(axis=1)
    kind, seat, other = np.unravel_index(best, (2, own.shape[1], num_slots))
    return own[layers[:, 0], seat], other, kind == 1, gains[kind, layers[:, 0], seat, other]


def after_swap(weights: Array, own: Array, there: Array) -> Array:
    """Load of the busier of the two GPUs, (L, S, P), once an own slot and another have changed experts."""
    layers = np.arange(len(own))[:, None]
    shift = weights[layers, own][:, :, None] - weights[:, None, :]
    return np.maximum(there[layers, own][:, :, None] - shift, there[:, None, :] + shift)


def after_copy(rows: Array, own: Array, expected: Array, copies: Array, there: Array) -> Array:
    """Load of the busiest GPU concerned, (L, S, P), once an own slot's expert has replaced a replica elsewhere."""
    layers = np.arange(len(own))[:, None]
    thinner = expected / (copies + 1)
    relief = expected / copies - thinner
    thicker = expected / np.maximum(copies - 1, 1) - expected / copies
    fullest_host = np.zeros(expected.shape)
    np.maximum.at(fullest_host, (layers, rows), there)
    given = rows[layers, own]
    here = (there[layers, own] - relief[layers, given])[:, :, None]
    new_host = (there - (expected / copies)[layers, rows])[:, None, :] + thinner[layers, given][:, :, None]
    old_hosts = np.where(copies > 1, fullest_host + thicker, np.inf)[layers, rows][:, None, :]
    return np.maximum(np.maximum(here, new_host), old_hosts)
