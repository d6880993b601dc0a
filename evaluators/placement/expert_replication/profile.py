"""Reads measured expert times."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError
from evaluators.placement.cost import ExpertCurve, measured_curve


def read_profile(path: Path) -> ExpertCurve:
    """The curve in a JSON file ``{"tokens": [1, 8, ...], "time_us": [...]}``: microseconds of one expert.

    Raises:
        ContractError: Not such a file; says what was expected and found.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ContractError(f"profile {path}: expected JSON, found {error}") from error
    if not isinstance(content, dict) or not {"tokens", "time_us"} <= content.keys():
        raise ContractError(f'profile {path}: expected an object with the lists "tokens" and "time_us"')
    tokens, times = _numbers(content["tokens"], path), _numbers(content["time_us"], path)
    if tokens.shape != times.shape or tokens.size < 2:
        raise ContractError(
            f"profile {path}: expected two lists of the same length, 2 or more, found {tokens.size} and {times.size}"
        )
    if tokens[0] < 1 or (np.diff(tokens) <= 0).any() or (times <= 0).any():
        raise ContractError(f"profile {path}: expected increasing tokens from 1 or more, and positive times")
    return measured_curve(tokens.astype(np.int64), times)


def _numbers(values: object, path: Path) -> npt.NDArray[np.float64]:
    if not isinstance(values, list) or not all(isinstance(x, int | float) and np.isfinite(x) for x in values):
        raise ContractError(f'profile {path}: expected lists of finite numbers under "tokens" and "time_us"')
    return np.array(values, dtype=np.float64)
