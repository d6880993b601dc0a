"""Lengths from a user's file: a JSON list of whole numbers, or a one-dimensional .npy of an integer dtype."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.scheduling.sequence_split.machine import Ints
from evaluators.stretches import SHORTEST, STRETCHES
from evaluators.user_array import MAGIC, array_of, whole_numbers
from evaluators.user_file import ZIP, decoded, parsed_json, read_bytes

EXPECTED = "a JSON list or a .npy"
MOST_TOKENS = 10_000_000  # of one sequence
LEFT_OUT = 0.1  # of a recording that is too short for stretches, each batch lacks this share


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
    content = read_bytes(path, f"lengths {path}", EXPECTED)
    lengths = _from_numpy(path, content) if content.startswith((MAGIC, ZIP)) else _from_json(path, content)
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
    array = array_of(content, f"lengths {path}", "a .npy of whole numbers")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ContractError(
            f"lengths {path}: expected one dimension of an integer dtype, found shape {array.shape} of {array.dtype}"
        )
    return whole_numbers(array)


def _from_json(path: Path, content: bytes) -> Ints:
    where = f"lengths {path}"
    entries = parsed_json(decoded(content, where, EXPECTED), where, EXPECTED)
    if not isinstance(entries, list):
        raise ContractError(f"lengths {path}: expected a list of whole numbers, found {type(entries).__name__}")
    for place, entry in enumerate(entries):
        if isinstance(entry, bool) or not isinstance(entry, int) or not 1 <= entry <= MOST_TOKENS:
            raise ContractError(
                f"lengths {path}: entry {place}: expected 1 to {MOST_TOKENS} tokens, found {str(entry)[:40]}"
            )
    return np.asarray(entries, dtype=np.int64)
