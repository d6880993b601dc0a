"""How much of what tokens choose can be together at most, whatever the placement: the ground the bound stands on.

The slots of a layer fall into equal parts: the GPUs, the nodes, or the ranks (GPU r of every node). A pick is *kept*
in a part if it is computed in the part where its token is; two picks of a token *meet* if one part computes both.

Shapes: E experts, Q parts, G GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.placement.cost import Floats


@dataclass(frozen=True, slots=True)
class Parts:
    """Equal parts of a layer's slots."""

    count: int
    size: int  # slots in each
    spare: int  # slots over all parts beyond one for every expert


def most_kept_from_sources(tokens_QE: Floats, parts: Parts) -> float:
    """Picks computed in the part where their token starts, at most; `tokens_QE` counts them by that part.

    A part holds `size` experts, and all experts have no more than `spare` places beyond their first. Without spare
    slots this is an assignment problem, solved exactly.
    """
    if parts.spare == 0:
        from scipy.optimize import linear_sum_assignment

        gains = np.repeat(tokens_QE, parts.size, axis=0)
        rows, columns = linear_sum_assignment(gains, maximize=True)
        return float(gains[rows, columns].sum())
    by_part = heaviest(tokens_QE, parts.size).sum()
    by_expert = _in_blocks(tokens_QE.T, 1, parts.spare)
    return float(min(by_part, by_expert))


def most_kept_from_experts(moves_EE: Floats, parts: Parts) -> float:
    """Picks computed in the part where their token is, at most, if it is where another layer's expert is.

    Args:
        moves_EE: Tokens that are at the row's expert and pick the column's.
        parts: Of both layers.

    Each copy of an expert shares its part with `size` experts of the other layer. Without spare slots, let X and Y be
    the 0/1 matrices (E, Q) that tell the parts: kept = tr(X' M Y), every row of them has one 1 and every column `size`.
    With M centred (rows and columns sum to zero; what is taken off adds up to sum(M) / Q for every X and Y), X and Y
    count on the Q - 1 dimensions across the vector of ones only, and von Neumann's inequality gives `size` times the
    sum of the Q - 1 largest singular values.
    """
    kept = min(_in_blocks(moves_EE, parts.size, parts.spare), _in_blocks(moves_EE.T, parts.size, parts.spare))
    if parts.spare == 0:
        values = np.linalg.svd(_centred(moves_EE), compute_uv=False)
        kept = min(kept, float(moves_EE.sum()) / parts.count + parts.size * float(values[: parts.count - 1].sum()))
    return kept


def most_meetings(pairs_EE: Floats, parts: Parts) -> float:
    """Pairs of picks that meet in a part, at most; `pairs_EE` (symmetric, diagonal 0) counts tokens that pick both.

    Each copy of an expert has `size` - 1 partners. Without spare slots twice the meetings are tr(X' W X), and also
    tr(X' (W + D) X) - tr(D) for any diagonal D, so that the sum of the Q - 1 largest eigenvalues across the vector of
    ones bounds them as above (Donath and Hoffman, 1973). D evens out the rows' sums.
    """
    met = _in_blocks(pairs_EE, parts.size - 1, parts.spare) / 2
    if parts.spare == 0:
        num_experts = len(pairs_EE)
        sums = pairs_EE.sum(axis=1)
        evened = pairs_EE + np.diag(sums.mean() - sums)
        values: Floats = np.linalg.eigvalsh(_centred(evened))[::-1].astype(np.float64)
        spectral = float(pairs_EE.sum()) / parts.count + parts.size * _largest(values, parts.count - 1)
        met = min(met, spectral / 2) if num_experts > 1 else met
    return met


def fewest_copies(picks: float, kept: float, met: float) -> float:
    """Distinct parts that tokens visit beyond those where their picks are kept, summed over the tokens, at least.

    For a token that makes x picks in a part, 1 if x > 0 is at least 2 x / (m + 1) - x (x - 1) / (m (m + 1)) for every
    whole m > 0 (Dawson and Sankoff, 1967); summed, the first term has the picks not kept, the second the meetings.
    """
    gone = max(picks - kept, 0.0)
    orders = np.arange(1, 65)
    return float(max(0.0, (2 * gone / (orders + 1) - 2 * met / (orders * (orders + 1))).max()))


def heaviest(values_RC: Floats, count: int) -> Floats:
    """Sum of the `count` largest of every row."""
    summed: Floats = -np.sort(-values_RC, axis=1)[:, :count].sum(axis=1)
    return summed


def _in_blocks(values_RC: Floats, block: int, extra: int) -> float:
    """Every row takes its `block` largest values, and `extra` further blocks go to the rows where they add most."""
    if block <= 0:
        return 0.0
    ordered = -np.sort(-values_RC, axis=1)
    padded = np.pad(ordered, ((0, 0), (0, -ordered.shape[1] % block)))
    blocks = padded.reshape(len(padded), -1, block).sum(axis=2)
    further = -np.sort(-blocks[:, 1:].ravel())
    return float(blocks[:, 0].sum() + further[:extra].sum())


def _centred(matrix_EE: Floats) -> Floats:
    rows, columns = matrix_EE.mean(axis=1, keepdims=True), matrix_EE.mean(axis=0, keepdims=True)
    centred: Floats = matrix_EE - rows - columns + matrix_EE.mean()
    return centred


def _largest(descending: Floats, count: int) -> float:
    return float(descending[:count].sum())
