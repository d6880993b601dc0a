"""What a training must keep to as a whole: gradients of moderate size, and experts that do some work; numpy only.

Shapes: P steps, L layers, M micro-batches, E experts.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome

MEASURED_SHARE = 0.8  # of the steps, the last ones: balance only at the very end does not count
MOST_GRADIENT_RATIO = 10.0  # of the balancing gradient at a router to that of the cross-entropy; more is scaled down
MOST_CLIPPED = 0.2  # share of the steps whose gradient may be scaled down
_CLIPPED_MARGIN = 0.1  # above the reference's own share, where settings make that large
LEAST_WORK = 0.5  # of what is meant for experts with weights, in each layer


def late(counts_PLME: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Choices of each expert in the steps that are measured, ``(P, L, E)``."""
    return np.asarray(counts_PLME[-math.ceil(MEASURED_SHARE * len(counts_PLME)) :].sum(2))


def clipped_share(gradient_ratio_P: npt.NDArray[np.float64]) -> float:
    """Share of the steps on which a gradient was scaled down."""
    return float(np.mean(gradient_ratio_P > MOST_GRADIENT_RATIO))


def require_moderate(clipped: float, of_reference: float) -> None:
    """Refuse gradients that are too large too often; where even the reference's are, a little more is allowed.

    Raises:
        CandidateFailure: They are.
    """
    allowed = max(MOST_CLIPPED, of_reference + _CLIPPED_MARGIN)
    if clipped > allowed:
        raise CandidateFailure(
            Outcome.INVALID,
            f"the gradient at a router was more than {MOST_GRADIENT_RATIO:g} times that of the cross-entropy "
            f"on {100 * clipped:.0f} % of the steps; at most {100 * allowed:.0f} % are allowed",
        )


def worked_share(choices_PLE: npt.NDArray[np.int64], working_experts: int) -> float:
    """Share of the choices that experts with weights took, in the layer where it is least."""
    choices_LE = choices_PLE.sum(0)
    return float((choices_LE[:, :working_experts].sum(-1) / choices_LE.sum(-1)).min())


def require_work(worked: float, meant: float, of_reference: float) -> None:
    """Refuse what leaves nearly everything to null experts: at this size it would win by computing nothing.

    Raises:
        CandidateFailure: In some layer the experts with weights did less than half of what was meant for them, and
            than half of what they did under the reference.
    """
    least = LEAST_WORK * min(meant, of_reference)
    if worked < least:
        raise CandidateFailure(
            Outcome.INVALID,
            f"experts with weights took {100 * worked:.0f} % of the choices of a layer; expected at least "
            f"{100 * least:.0f} %: null experts may not do nearly everything",
        )
