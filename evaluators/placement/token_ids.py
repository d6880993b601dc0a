"""Recorded routing: which experts each token chose in each layer.

Shapes: T tokens, L layers, K experts per token.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError


def read_token_ids(path: Path, parameter: str = "loads", *, one_choice: bool = False) -> npt.NDArray[np.int64]:
    """``(T, L, K)`` expert ids from a .npy file of integers, which the user named by `parameter`.

    With `one_choice` also ``(T, L)``, as ExFlow records top-1 routing.

    Raises:
        ContractError: Not such a file; says what was found.
    """
    try:
        ids = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ContractError(f"{parameter} {path}: expected a .npy array of integers, found {error}") from error
    if one_choice and isinstance(ids, np.ndarray) and ids.ndim == 2:
        ids = ids[..., None]
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu" or ids.ndim != 3 or not ids.size:
        raise ContractError(
            f"{parameter} {path}: expected integers [tokens, layers, k], found {ids.dtype} of shape {ids.shape}"
        )
    return ids.astype(np.int64)
