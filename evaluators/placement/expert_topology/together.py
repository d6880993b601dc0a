"""How much of what tokens choose can be together at most, whatever the placement: the ground the bound stands on.

The slots of a layer fall into equal parts: the GPUs, the nodes, or the ranks (GPU r of every node). A pick is *kept*
in a part if it is computed in the part where its token is; two picks of a token *meet* if one part computes both.

Shapes: E experts, Q parts, G GPUs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.placement.cost import Floats

SHIFTS = (1.0, 2.0, 4.0)  # strengths of the diagonal; whatever they are, the bound holds


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


def most_kept_from_experts(moves_EE: Floats, parts: Parts, spectra: Sequence[Floats] = ()) -> float:
    """Picks computed in the part where their token is, at most, if it is where another layer's expert is.

    Args:
        moves_EE: Tokens that are at the row's expert and pick the column's.
        parts: Of both layers.
        spectra: What `spectra_between` says of `moves_EE`; used where there are no spare slots.

    Each copy of an expert shares its part with `size` experts of the other layer.
    """
    kept = min(_in_blocks(moves_EE, parts.size, parts.spare), _in_blocks(moves_EE.T, parts.size, parts.spare))
    return min(kept, _by_chance(moves_EE, parts) + parts.size * _least_sum(spectra, parts))


def most_meetings(pairs_EE: Floats, parts: Parts, spectra: Sequence[Floats] = ()) -> float:
    """Pairs of picks that meet in a part, at most; `pairs_EE` (symmetric, diagonal 0) counts tokens that pick both.

    Each copy of an expert has `size` - 1 partners; `spectra` is what `spectra_within` says of `pairs_EE`.
    """
    met = _in_blocks(pairs_EE, parts.size - 1, parts.spare) / 2
    return min(met, (_by_chance(pairs_EE, parts) + parts.size * _least_sum(spectra, parts)) / 2)


def spectra_within(pairs_EE: Floats) -> tuple[Floats, ...]:
    """Eigenvalues, largest first, that bound what meets in equal parts without spare slots (Donath and Hoffman, 1973).

    Let the 0/1 matrix X (E, Q) tell the parts: every row has one 1, every column `size`. Twice the meetings are
    tr(X' W X). Centring W takes sum(W) / Q off that for every X (see `_by_chance`), and adding a diagonal that sums to
    zero takes nothing. X / sqrt(size) has orthonormal columns that span the vector of ones, on which what is left has
    no value; so `size` times the Q - 1 largest eigenvalues across that vector bound it. Diagonals that lower the rows
    with large norms keep popular experts from setting them all; each gives a bound.
    """
    ones = np.ones((len(pairs_EE), 1))
    return tuple(_across(_centred(pairs_EE), ones, strength) for strength in SHIFTS)


def spectra_between(moves_EE: Floats) -> tuple[Floats, ...]:
    """The same of what two layers keep, tr(X' M Y), by the symmetric matrix that has M beside the diagonal.

    The columns of [X; Y] / sqrt(2 `size`) are orthonormal, span the vector of ones, and are orthogonal to ones above
    minus ones below: both directions are left out.
    """
    num_experts = len(moves_EE)
    centred, empty = _centred(moves_EE), np.zeros((num_experts, num_experts))
    both = np.block([[empty, centred], [centred.T, empty]])
    ones = np.repeat(np.eye(2), num_experts, axis=0)
    return tuple(_across(both, ones, strength) for strength in SHIFTS)


def _across(matrix_NN: Floats, left_out_ND: Floats, strength: float) -> Floats:
    """Eigenvalues, largest first, of the shifted matrix across the (orthogonal) directions left out."""
    norms = np.sqrt((matrix_NN**2).sum(axis=1))
    basis = left_out_ND / np.sqrt((left_out_ND**2).sum(axis=0))
    across = np.eye(len(matrix_NN)) - basis @ basis.T
    shifted = across @ (matrix_NN + np.diag(strength * (norms.mean() - norms))) @ across
    values: Floats = np.linalg.eigvalsh(shifted)[::-1].astype(np.float64)
    return values


def _by_chance(counts_EE: Floats, parts: Parts) -> float:
    """What a random placement keeps, but for the diagonal: what centring takes off for every placement."""
    return float(counts_EE.sum()) / parts.count


def _least_sum(spectra: Sequence[Floats], parts: Parts) -> float:
    if not spectra or parts.spare:
        return math.inf
    return min(float(values[: parts.count - 1].sum()) for values in spectra)


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
