"""Best fit decreasing: largest part first, to the GPU on which it leaves the least memory free.

Source: textbook bin packing (Johnson et al., 1974); no demand is looked at. Where a part finds no GPU: first fit.
"""

import numpy as np

SLACK_GB = 1e-9


def place(parts, memory_gb, budget_gb, seed):
    """The GPU of each part."""
    order = np.argsort(-parts["size_gb"], kind="stable")
    found = greedy(parts, memory_gb, order, lambda free, load, size, demand: -free)
    return first_fit(parts, memory_gb) if found is None else found


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
