"""How evenly tokens are spread, and what the routing knows of domains; numpy only.

Shapes: P steps, L layers, M micro-batches, E experts, K experts per token, N sequences, S bytes, D classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]
DEAD_SHARE = 0.1  # of an even share: an expert with less is dead


def even_where_idle(counts_XE: Counts) -> Counts:
    """One token each where no expert has any: null experts took them all, and nobody waits for anybody."""
    return np.where(counts_XE.sum(-1, keepdims=True) == 0, 1, counts_XE)


def max_violation(counts_XE: Counts) -> Values:
    """MaxVio: the busiest expert's tokens over the mean, less 1; 0 is even, ``(...,)`` for counts ``(..., E)``.

    Source: Wang et al., "Auxiliary-Loss-Free Load Balancing", arXiv 2408.15664.
    """
    counts = np.asarray(counts_XE, dtype=np.float64)
    return np.asarray(counts.max(-1) / counts.mean(-1) - 1.0)


def variation(counts_XE: Counts) -> Values:
    """Standard deviation over mean."""
    counts = np.asarray(counts_XE, dtype=np.float64)
    return np.asarray(counts.std(-1) / counts.mean(-1))


def gini(counts_XE: Counts) -> Values:
    """Gini coefficient: 0 even, ``1 - 1/E`` all on one."""
    counts = np.sort(np.asarray(counts_XE, dtype=np.float64), axis=-1)
    E = counts.shape[-1]  # noqa: N806 - shape letters
    weights = 2.0 * np.arange(1, E + 1) - E - 1
    return np.asarray((counts * weights).sum(-1) / (E * counts.sum(-1)))


def dead_share(counts_XE: Counts) -> Values:
    """Share of the experts with less than a tenth of an even share."""
    counts = np.asarray(counts_XE, dtype=np.float64)
    return np.asarray((counts < DEAD_SHARE * counts.mean(-1, keepdims=True)).mean(-1))


def dropped_share(counts_XE: Counts, capacity: float) -> Values:
    """Share of the assignments above `capacity` times an even share."""
    counts = np.asarray(counts_XE, dtype=np.float64)
    above = np.maximum(counts - capacity * counts.mean(-1, keepdims=True), 0.0)
    return np.asarray(above.sum(-1) / counts.sum(-1))


def device_load_ratio(counts_XE: Counts, device_E: npt.NDArray[np.int64]) -> Values:
    """The busiest device's tokens over the mean, at least 1."""
    counts = np.asarray(counts_XE, dtype=np.float64)
    loads = counts @ (device_E[:, None] == np.arange(device_E.max() + 1)).astype(np.float64)
    return np.asarray(loads.max(-1) / loads.mean(-1))


def joint_counts(class_X: npt.NDArray[np.int64], chosen_XK: npt.NDArray[np.int64], num: int, experts: int) -> Counts:
    """``(num, experts)``: how often tokens of each class went to each expert."""
    flat = (class_X[:, None] * experts + chosen_XK).ravel()
    return np.bincount(flat, minlength=num * experts).reshape(num, experts)


def information_share(joint_DE: Counts) -> float:
    """Mutual information of class and expert over the entropy of the class: 0 unrelated, 1 the expert tells the class.

    Not corrected for its bias, about ``(D - 1)(E - 1) / 2n`` nats for n tokens.
    """
    p = np.asarray(joint_DE, dtype=np.float64) / joint_DE.sum()
    p_D, p_E = p.sum(1), p.sum(0)
    entropy = -float(np.sum(p_D[p_D > 0] * np.log(p_D[p_D > 0])))
    if entropy == 0.0:
        return 0.0
    seen = p > 0
    return float(np.sum(p[seen] * np.log(p[seen] / np.outer(p_D, p_E)[seen]))) / entropy
