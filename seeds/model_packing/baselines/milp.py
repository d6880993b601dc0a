"""Bisection on the room with an exact test: an integer program says whether the claims fit, as long as it is small.

Source: the feasibility form of Prism's objective (claims of size + room * demand into the memory of each GPU), solved
by HiGHS through `scipy.optimize.milp`. Above MOST_CELLS choices, or where something has a home, only `three_orders` is
done: a second is not enough for more. Nodes are limited, not time, so that the answer repeats.
"""

import numpy as np

MOST_CELLS = 130  # parts times GPUs
STEPS = 4
NODES = 30
SLACK_GB = 1e-9


def place(parts, memory_gb, budget_gb, seed):
    """The best placement that bisection found, or the greedy one."""
    size, demand = parts["size_gb"], parts["rate"] / parts["slo"]
    best = three_orders(parts, memory_gb, size, demand)
    if len(size) * len(memory_gb) > MOST_CELLS or (parts["home"] >= 0).any():
        return best
    low, high = least_room(best, size, demand, memory_gb), (memory_gb.sum() - size.sum()) / demand.sum()
    for _ in range(STEPS):
        room = (low + high) / 2
        found = packed(size + room * demand, parts["model"], memory_gb)
        if found is None:
            high = room
        else:
            best, low = found, max(room, least_room(found, size, demand, memory_gb))
    return best


def packed(claim, model, memory_gb):
    """GPUs such that all claims fit and no two parts of a model meet; None if none was found."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    parts, gpus = len(claim), len(memory_gb)
    cells = np.arange(parts * gpus).reshape(parts, gpus)
    once, fits = np.zeros((parts, parts * gpus)), np.zeros((gpus, parts * gpus))
    for part in range(parts):
        once[part, cells[part]] = 1.0
        fits[np.arange(gpus), cells[part]] = claim[part]
    limits = [LinearConstraint(once, 1, 1), LinearConstraint(fits, -np.inf, memory_gb - 1e-6)]
    shared = np.flatnonzero(np.bincount(model) > 1)
    if shared.size:
        rows = np.zeros((len(shared) * gpus, parts * gpus))
        for row, (one, gpu) in enumerate((one, gpu) for one in shared for gpu in range(gpus)):
            rows[row, cells[model == one, gpu]] = 1.0
        limits.append(LinearConstraint(rows, -np.inf, 1))
    found = milp(
        np.zeros(parts * gpus),
        integrality=np.ones(parts * gpus),
        bounds=Bounds(0, 1),
        constraints=limits,
        options={"node_limit": NODES},
    )
    return None if found.x is None else found.x.reshape(parts, gpus).argmax(axis=1)


def three_orders(parts, memory_gb, size, demand):
    """Greedy in three orders, each part to the GPU that has the most room with it."""
    keys = demand, size, size / size.mean() + demand / demand.mean()
    placements = [greedy(parts, memory_gb, np.argsort(-key, kind="stable"), room_after) for key in keys]
    found = [gpu for gpu in placements if gpu is not None] or [first_fit(parts, memory_gb)]
    return max(found, key=lambda gpu: least_room(gpu, size, demand, memory_gb))


def room_after(free, load, size, demand):
    """Room of each GPU with the part on it."""
    return (free - size) / (load + demand)


def least_room(gpu, size, demand, memory_gb):
    """Free memory over demand on the tightest GPU."""
    free = memory_gb - np.bincount(gpu, size, len(memory_gb))
    return (free / np.maximum(np.bincount(gpu, demand, len(memory_gb)), 1e-12)).min()


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
