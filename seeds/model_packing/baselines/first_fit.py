"""First fit decreasing: what has a home stays, the rest goes, largest first, to the first GPU with memory for it.

The weak baseline: score 0. Source: textbook bin packing (Johnson, 1973); no demand is looked at.
"""

import numpy as np

SLACK_GB = 1e-9


def place(parts, memory_gb, budget_gb, seed):
    """The GPU of each part."""
    return first_fit(parts, memory_gb)


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
