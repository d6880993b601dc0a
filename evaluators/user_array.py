"""An array from the .npy file that a user names."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError
from evaluators.user_file import ZIP

MAGIC = b"\x93NUMPY"
_LARGEST = np.iinfo(np.int64).max


def array_of(content: bytes, where: str, expected: str) -> npt.NDArray[np.generic]:
    """The array in a .npy file's content; objects, which only a pickle holds, are never loaded.

    Raises:
        ContractError: It is no such file, or cut off.
    """
    if content.startswith(ZIP):
        raise ContractError(
            f"{where}: expected {expected}, found an archive of arrays, as np.savez writes; save one with np.save"
        )
    if not content.startswith(MAGIC):
        found = "another kind of file" if content else "an empty file"
        raise ContractError(f"{where}: expected {expected}, found {found}")
    try:
        array: npt.NDArray[np.generic] = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise ContractError(f"{where}: expected {expected}, found {error}") from error
    return array


def whole_numbers(array: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """An array of an integer dtype as int64; what that does not hold becomes its largest, and not negative."""
    if array.dtype.kind == "u":
        array = np.minimum(array.astype(np.uint64), np.uint64(_LARGEST))
    return array.astype(np.int64)
