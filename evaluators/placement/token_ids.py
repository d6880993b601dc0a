"""Recorded routing: which experts each token chose in each layer.

Shapes: T tokens, L layers, K experts per token.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError
from evaluators.user_array import array_of, whole_numbers
from evaluators.user_file import read_bytes

MOST_BYTES = 1 << 30


def read_token_ids(path: Path, parameter: str = "loads", *, one_choice: bool = False) -> npt.NDArray[np.int64]:
    """``(T, L, K)`` expert ids from a .npy file of integers of at most `MOST_BYTES`, which `parameter` names.

    With `one_choice` also ``(T, L)``, as ExFlow records top-1 routing.

    Raises:
        ContractError: Not such a file; says what was found.
    """
    where = f"{parameter} {path}"
    expected = "a .npy array of integers"
    ids = array_of(read_bytes(path, where, expected, MOST_BYTES), where, expected)
    if one_choice and ids.ndim == 2:
        ids = ids[..., None]
    if ids.dtype.kind not in "iu" or ids.ndim != 3 or not ids.size:
        raise ContractError(f"{where}: expected integers [tokens, layers, k], found {ids.dtype} of shape {ids.shape}")
    return whole_numbers(ids)
