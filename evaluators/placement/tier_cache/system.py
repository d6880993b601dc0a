"""The machine, and what a model asks of it layer by layer.

Shapes: N events (a layer of a decode step), L layers, E experts of a layer, R earlier sequences. Object ``l * E + e``
is expert e of layer l; event n is layer ``n % L`` of step ``n // L``. Times are whole microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A model's shape, the slots of the GPU, and how long things take."""

    layers: int
    experts: int  # of each layer
    top_k: int
    tokens: int  # decoded side by side, each with experts of its own
    capacity: int  # experts that fit on the GPU, those on their way included
    load_us: int  # an expert over the link
    dense_us: int  # what a layer computes before its experts are known
    expert_us: int  # an expert that has tokens

    @property
    def objects(self) -> int:
        """Experts of all layers."""
        return self.layers * self.experts

    @property
    def most_needed(self) -> int:
        """Experts that one event can need at once."""
        return min(self.experts, self.tokens * self.top_k)

    def with_slots(self, capacity: int) -> System:
        """The same with so many slots, or as many as one event needs and one more, for what is on its way."""
        return replace(self, capacity=max(capacity, self.most_needed + 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """What the model asks for, and what is known beside it."""

    tokens_NE: npt.NDArray[np.int32]  # tokens that each expert gets; those above 0 are needed
    probabilities_NE: Floats  # of the router, mean over the tokens
    hints_NE: Floats  # row n: the router of event n + 1 as predicted at event n, zeros where it is not
    fresh_N: Bools  # a sequence begins in this step
    history_RLE: npt.NDArray[np.int32]  # tokens per expert in sequences before the first

    @property
    def events(self) -> int:
        """How many there are."""
        return len(self.tokens_NE)

    def needed(self, system: System) -> list[Ints]:
        """The objects that each event needs, ascending."""
        offsets = (np.arange(self.events) % system.layers) * system.experts
        return [np.flatnonzero(row_E) + offset for row_E, offset in zip(self.tokens_NE, offsets, strict=True)]


def popular(history_RLE: npt.NDArray[np.int32], count: int) -> Bools:
    """``(L * E,)``: the `count` objects with the most tokens in the history, lowest id first among equals."""
    totals_O = history_RLE.sum(axis=0).reshape(-1)
    chosen_O = np.zeros(len(totals_O), dtype=bool)
    chosen_O[np.argsort(-totals_O, kind="stable")[:count]] = True
    return chosen_O
