"""Lengths from a user's file: a JSON list of whole numbers, or a one-dimensional .npy of an integer dtype."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.scheduling.sequence_split.machine import Ints
from evaluators.stretches import SHORTEST, STRETCHES

MOST_BYTES = 256 << 20
MOST_TOKENS = 10_000_000  # of one sequence
LEFT_OUT = 0.1  # of a recording that is too short for stretches, each batch lacks this share
_NUMPY_MAGIC = b"\x93NUMPY"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The lengths of one file, in their order."""

    lengths: Ints

    def whole(self, count: int) -> list[Ints]:
        """All of them, in batches of `count`; a last one of less than half of that is left out, unless it is all."""
        found = [self.lengths[at : at + count] for at in range(0, len(self.lengths), count)]
        return [batch for batch in found if 2 * len(batch) >= count or len(found) == 1]

    def part(self, count: int, split: Split, rng: np.random.Generator) -> Ints:
        """`count` lengths that follow one another in the split's stretch.

        Of a recording too short for that, nine tenths in random order, in every split: then the hold-out is no other
        data.
        """
        if SHORTEST * len(self.lengths) >= count:
            first, last = (int(share * len(self.lengths)) for share in STRETCHES[split])
            start = int(rng.integers(first, last - count + 1))
            return self.lengths[start : start + count]
        kept = min(count, len(self.lengths) - int(LEFT_OUT * len(self.lengths)))
        return self.lengths[rng.permutation(len(self.lengths))[:kept]]


@lru_cache(maxsize=1)
def read_recording(value: ParameterValue) -> Recording:
    """The lengths in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which entry is no length, and what it is.
    """
    path = file_path(value)
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MOST_BYTES else b""
    except OSError as error:
        raise ContractError(f"lengths {path}: cannot be read: {error.strerror}") from error
    if size > MOST_BYTES:
        raise ContractError(f"lengths {path}: expected at most {MOST_BYTES >> 20} MiB, found {size >> 20}")
    lengths = _from_numpy(path, content) if content.startswith(_NUMPY_MAGIC) else _from_json(path, content)
    if len(lengths) < 2:
        raise ContractError(f"lengths {path}: expected two or more lengths, found {len(lengths)}")
    outside = (lengths < 1) | (lengths > MOST_TOKENS)
    if outside.any():
        place = int(outside.argmax())
        raise ContractError(
            f"lengths {path}: entry {place}: expected 1 to {MOST_TOKENS} tokens, found {lengths[place]}"
        )
    return Recording(lengths.astype(np.int64))


def _from_numpy(path: Path, content: bytes) -> Ints:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ContractError(f"lengths {path}: expected a .npy of whole numbers, found {error}") from error
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ContractError(
            f"lengths {path}: expected one dimension of an integer dtype, found shape {array.shape} of {array.dtype}"
        )
    if array.dtype.kind == "u":  # what int64 does not hold is out of range too, and must not turn negative
        array = np.minimum(array.astype(np.uint64), np.uint64(MOST_TOKENS + 1))
    return np.asarray(array, dtype=np.int64)


def _from_json(path: Path, content: bytes) -> Ints:
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"lengths {path}: expected a JSON list or a .npy, found {error}") from error
    if not isinstance(entries, list):
        raise ContractError(f"lengths {path}: expected a list of whole numbers, found {type(entries).__name__}")
    for place, entry in enumerate(entries):
        if isinstance(entry, bool) or not isinstance(entry, int) or not 1 <= entry <= MOST_TOKENS:
            raise ContractError(
                f"lengths {path}: entry {place}: expected 1 to {MOST_TOKENS} tokens, found {str(entry)[:40]}"
            )
    return np.asarray(entries, dtype=np.int64)
