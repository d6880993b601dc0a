"""Bisection on the room: at a room to reach, each part claims its size and room times its demand.

Best fit decreasing packs the claims; the largest room for which it succeeds is kept. Source: bisection with a packing
heuristic as its test, as MULTIFIT (Coffman, Garey and Johnson, 1978) does it for makespans with first fit decreasing.
Homes are kept.
"""

import numpy as np

SLACK_GB = 1e-9
STEPS = 20


def place(parts, memory_gb, budget_gb, seed):
    """The last packing that succeeded; first fit if none did."""
    size, demand = parts["size_gb"], parts["rate"] / parts["slo"]
    best = first_fit(parts, memory_gb)
    low, high = 0.0, (memory_gb.sum() - size.sum()) / demand.sum()
    for _ in range(STEPS):
        room = (low + high) / 2
        order = np.argsort(-(size + room * demand), kind="stable")
        found = greedy(parts, memory_gb, order, tightest_for(room))
        if found is None:
            high = room
        else:
            best, low = found, room
    return best


def tightest_for(room):
    """The wish for the GPU on which the least is left when all parts there have claimed; not where that is below 0."""

    def wish(free, load, size, demand):
        left = free - room * load - (size + room * demand)
        return np.where(left >= 0, -left, -np.inf)

    return wish


def greedy(parts, memory_gb, order, wish):
    """Homes kept, the rest in order to the GPU with memory that is wished most; None if a part finds none.

    `wish(free, load, size, demand)` gives a number per GPU; free memory and load are those before the part comes.
    """
    size, model, gpu = parts["size_gb"], parts["model"], parts["home"].copy()
    demand, settled = parts["rate"] / parts["slo"], gpu >= 0
    free = memory_gb - np.bincount(gpu[settled], size[settled], len(memory_gb))
    load = np.bincount(gpu[settled], demand[settled], len(memory_gb)).astype(float)  # whole if nothing is there
    holds = np.zeros((model.max() + 1, len(memory_gb)), dtype=bool)
    holds[model[settled], gpu[settled]] = True
    for part in order:
        if settled[part]:
            continue
        fits = (free + SLACK_GB >= size[part]) & ~holds[model[part]]
        wished = np.where(fits, wish(free, load, size[part], demand[part]), -np.inf)
        target = int(wished.argmax())
        if wished[target] == -np.inf:
            return None
        gpu[part] = target
        free[target] -= size[part]
        load[target] += demand[part]
        holds[model[part], target] = True
    return gpu


def first_fit(parts, memory_gb):
    """Homes kept, the rest by falling size to the first GPU with memory: always valid."""
    size, model, gpu = parts["size_gb"], parts["model"], parts["home"].copy()
    settled = gpu >= 0
    free = memory_gb - np.bincount(gpu[settled], size[settled], len(memory_gb))
    holds = np.zeros((model.max() + 1, len(memory_gb)), dtype=bool)
    holds[model[settled], gpu[settled]] = True
    for part in np.argsort(-size, kind="stable"):
        if not settled[part]:
            gpu[part] = np.flatnonzero((free + SLACK_GB >= size[part]) & ~holds[model[part]])[0]
            free[gpu[part]] -= size[part]
            holds[model[part], gpu[part]] = True
    return gpu
