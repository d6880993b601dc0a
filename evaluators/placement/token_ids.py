"""Recorded routing: which experts each token chose in each layer.

Shapes: T tokens, L layers, K experts per token.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError

MOST_BYTES = 1 << 30


def read_token_ids(path: Path, parameter: str = "loads", *, one_choice: bool = False) -> npt.NDArray[np.int64]:
    """``(T, L, K)`` expert ids from a .npy file of integers of at most `MOST_BYTES`, which `parameter` names.

    With `one_choice` also ``(T, L)``, as ExFlow records top-1 routing.

    Raises:
        ContractError: Not such a file; says what was found.
    """
    try:
        size = path.stat().st_size
        ids = np.load(path, allow_pickle=False) if size <= MOST_BYTES else None
    except (OSError, ValueError, EOFError) as error:
        raise ContractError(f"{parameter} {path}: expected a .npy array of integers, found {error}") from error
    if ids is None:
        raise ContractError(f"{parameter} {path}: expected at most {MOST_BYTES >> 20} MiB, found {size >> 20}")
    if one_choice and isinstance(ids, np.ndarray) and ids.ndim == 2:
        ids = ids[..., None]
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu" or ids.ndim != 3 or not ids.size:
        found = f"{ids.dtype} of shape {ids.shape}" if isinstance(ids, np.ndarray) else "an archive of arrays"
        raise ContractError(f"{parameter} {path}: expected integers [tokens, layers, k], found {found}")
    return ids.astype(np.int64)
