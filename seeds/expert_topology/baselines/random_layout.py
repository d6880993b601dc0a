"""A random permutation of the experts in every layer; spare slots take random experts that their GPU does not have.

Source: none; what any method must beat.
"""

import numpy as np


def place(trace, source, config):
    """Rows drawn with the scenario's seed."""
    rng = np.random.default_rng(config["seed"])
    rows = [row_of(config, rng) for _ in range(config["layers"])]
    return np.array(rows, dtype=np.int32)


def row_of(config, rng):
    """One layer: copies are dealt out to the GPUs one after another, so none gets an expert twice."""
    experts, slots, gpus = config["experts"], config["slots"], config["gpus"]
    order = rng.permutation(experts)
    copies = np.sort(np.arange(slots) % experts)  # equal copies side by side, fewer than there are GPUs
    dealt = order[copies].reshape(-1, gpus)
    return dealt.T[rng.permutation(gpus)].ravel()
