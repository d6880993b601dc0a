"""Recorded choices instead of drawn: the splits take disjoint stretches of the file, the hold-out the last.

The file is a .npy array of integers ``[T, L, K]``: the K experts that layer l chose for token t, tokens in the order in
which they were written. Router probabilities are not in it; a program is shown how often an expert was chosen.

Shapes: S steps, B tokens side by side, L layers, E experts, K of them per token, R earlier sequences.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.placement.tier_cache.system import Floats, Ints, System, Trace
from evaluators.placement.tier_cache.workload import HISTORY, HISTORY_STEPS
from evaluators.placement.token_ids import read_token_ids
from evaluators.stretches import SHORTEST, STRETCHES

EARLIER = 1 / 3  # of a stretch, for the history; what is played lies behind it


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The choices of one file."""

    path: Path
    ids_TLK: Ints
    experts: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Layers, experts, and experts of a token."""
        _, layers, top_k = self.ids_TLK.shape
        return layers, self.experts, top_k

    def check_length(self, steps: int) -> None:
        """Nothing, if traces of so many steps fit every split.

        Raises:
            ContractError: They do not.
        """
        has = int(SHORTEST * len(self.ids_TLK))
        needed = int(np.ceil(max(steps / (1 - EARLIER), HISTORY_STEPS / EARLIER))) + 2
        if has < needed:
            raise ContractError(
                f"trace {self.path}: a split has a quarter of it ({has} tokens), but {steps} steps and the history "
                f"take {needed}; record longer or lower steps"
            )

    def trace(self, system: System, steps: int, hint: float, split: Split, rng: np.random.Generator) -> Trace:
        """Tokens side by side, each from a random moment of the split's stretch on; its beginning is the history."""
        first, last = (int(share * len(self.ids_TLK)) for share in STRETCHES[split])
        middle = first + int(np.ceil(EARLIER * (last - first)))
        chosen_SBLK = self._runs(system.tokens, steps, middle, last, rng)
        tokens_SLE = _counted(chosen_SBLK, self.experts)
        share = np.float32(1 / (system.tokens * system.top_k))
        return Trace(
            tokens_NE=tokens_SLE.reshape(-1, self.experts),
            probabilities_NE=(share * tokens_SLE).astype(np.float32).reshape(-1, self.experts),
            hints_NE=(share * self._hints(chosen_SBLK, hint, rng)).reshape(-1, self.experts),
            fresh_N=np.arange(steps * system.layers) < system.layers,
            history_RLE=_counted(self._runs(HISTORY, HISTORY_STEPS, first, middle, rng).swapaxes(0, 1), self.experts),
        )

    def _runs(self, count: int, steps: int, first: int, last: int, rng: np.random.Generator) -> Ints:
        """``(S, B, L, K)``: `count` runs of tokens between `first` and `last`."""
        starts_B = rng.integers(first, last - steps + 1, size=count)
        runs_SBLK: Ints = self.ids_TLK[starts_B[None, :] + np.arange(steps)[:, None]]
        return runs_SBLK

    def _hints(self, chosen_SBLK: Ints, hint: float, rng: np.random.Generator) -> Floats:
        """``(S, L, E)``: at layer l the choices of layer l + 1, each but for a share `hint` replaced by any expert."""
        steps, _, layers, _ = chosen_SBLK.shape
        told_SLE = np.zeros((steps, layers, self.experts), dtype=np.float32)
        if hint > 0 and layers > 1:
            truth_SBLK = chosen_SBLK[:, :, 1:]
            wrong = rng.random(truth_SBLK.shape) >= hint
            told_SLE[:, :-1] = _counted(
                np.where(wrong, rng.integers(self.experts, size=wrong.shape), truth_SBLK), self.experts
            )
        return told_SLE


@lru_cache(maxsize=1)
def read_recording(value: ParameterValue, experts: int) -> Recording:
    """The choices in a file parameter's value; `experts` 0 means the highest id and one.

    Raises:
        ContractError: Not such a file; says which token and layer departs from the form, and how.
    """
    path = file_path(value)
    where = f"trace {path}"
    ids_TLK = read_token_ids(path, "trace")
    if (ids_TLK < 0).any():
        raise _odd(where, ids_TLK < 0, ids_TLK, "expected ids from 0 on")
    found = int(ids_TLK.max()) + 1
    if experts and found > experts:
        raise _odd(where, ids_TLK >= experts, ids_TLK, f"expected ids below experts, {experts}")
    ordered_TLK = np.sort(ids_TLK, axis=-1)
    if (twice := ordered_TLK[..., 1:] == ordered_TLK[..., :-1]).any():
        raise _odd(where, twice, ordered_TLK, "expected a token's experts to differ")
    return Recording(path, ids_TLK, experts or found)


def _odd(where: str, odd: npt.NDArray[np.bool_], ids_TLK: Ints, expected: str) -> ContractError:
    token, layer, place = (int(axis[0]) for axis in np.nonzero(odd))
    return ContractError(f"{where}, token {token}, layer {layer}: {expected}, found {ids_TLK[token, layer, place]}")


def _counted(ids_SBLK: Ints, experts: int) -> npt.NDArray[np.int32]:
    """``(S, L, E)``: how many tokens chose each expert."""
    steps, _, layers, _ = ids_SBLK.shape
    rows = np.arange(steps)[:, None, None, None] * layers + np.arange(layers)[None, None, :, None]
    flat = (rows * experts + ids_SBLK).reshape(-1)
    counts = np.bincount(flat, minlength=steps * layers * experts)
    return counts.reshape(steps, layers, experts).astype(np.int32)
