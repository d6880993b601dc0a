"""Recorded routing instead of drawn: the splits take disjoint stretches of the file, the hold-out the last.

The first half of a stretch is what a program may see, it is scored on the second.

Shapes: T tokens, L layers, K experts per token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.placement.expert_topology.journey import Routing
from evaluators.placement.expert_topology.parameters import MOST_EXPERTS
from evaluators.placement.expert_topology.traffic import Whole
from evaluators.placement.expert_topology.workload import TraceShape, Workload, dealt
from evaluators.placement.token_ids import read_token_ids
from evaluators.stretches import SHORTEST, STRETCHES

FEWEST_TOKENS = 2048  # 256 to see and 256 to be scored on in the shortest stretch


@dataclass(frozen=True, slots=True, eq=False)
class RecordedTrace:
    """The experts of consecutive tokens, the first choice first."""

    ids_TLK: Whole
    experts: int

    def settings(self) -> dict[str, ParameterValue]:
        """The parameters that the file decides."""
        _, layers, top_k = self.ids_TLK.shape
        return {"layers": layers, "experts": self.experts, "top_k": top_k}

    def workload(self, shape: TraceShape, split: Split, rng: np.random.Generator) -> Workload:
        """Consecutive tokens from a random place of each half of the split's stretch, dealt out to the GPUs in turn.

        A short trace gives fewer tokens than the tier asks for.
        """
        first, last = (int(len(self.ids_TLK) * share) for share in STRETCHES[split])
        half = (last - first) // 2
        per_iteration = min(shape.per_iteration, half // shape.iterations)
        return Workload(
            self._routing(first, half, min(shape.shown, half), 1, shape, rng),
            self._routing(first + half, half, per_iteration, shape.iterations, shape, rng),
        )

    def _routing(
        self, first: int, room: int, tokens: int, iterations: int, shape: TraceShape, rng: np.random.Generator
    ) -> Routing:
        wanted = tokens * iterations
        start = first + int(rng.integers(room - wanted + 1))
        layers = np.linspace(0, self.ids_TLK.shape[1] - 1, shape.layers).round().astype(np.intp)
        return Routing(
            ids_TLK=self.ids_TLK[start : start + wanted, layers],
            source_T=np.tile(dealt(tokens, shape.gpus), iterations),
            iterations=iterations,
        )


def read_trace(value: str, settings: Mapping[str, ParameterValue]) -> RecordedTrace:
    """The trace in a file parameter's value; `settings` must not contradict it.

    Raises:
        ContractError: Not such a file, too short, or not the model that the settings describe.
    """
    trace, path = _cached(value, int(settings.get("experts", 0))), file_path(value)
    for name, found in trace.settings().items():
        if name in settings and settings[name] != found and not (name == "layers" and _fewer(settings[name], found)):
            raise ContractError(f"trace {path}: the file has {name} = {found}, but {name} was set to {settings[name]}")
    return trace


def _fewer(wanted: ParameterValue, found: ParameterValue) -> bool:
    """Whether some of the trace's layers are wanted: they are taken from all over it."""
    return int(wanted) < int(found)


@lru_cache(maxsize=1)
def _cached(value: str, experts: int) -> RecordedTrace:
    path = file_path(value)
    ids_TLK = read_token_ids(path, "trace", one_choice=True)
    _check(ids_TLK, experts, path)
    return RecordedTrace(ids_TLK.astype(np.int16), experts or int(ids_TLK.max()) + 1)


def _check(ids_TLK: Whole, experts: int, path: Path) -> None:
    """Nothing, if these can be tokens of a model.

    Raises:
        ContractError: Too few tokens or layers, ids out of range, or a token that picks an expert twice.
    """
    tokens, layers, _ = ids_TLK.shape
    if tokens < FEWEST_TOKENS:
        raise ContractError(
            f"trace {path}: expected {FEWEST_TOKENS} tokens or more, so that a split has {SHORTEST:.0%} of them, "
            f"found {tokens}"
        )
    if layers < 2:
        raise ContractError(f"trace {path}: expected two layers or more, found {layers}")
    most = experts or MOST_EXPERTS
    outside = (ids_TLK < 0) | (ids_TLK >= most)
    if outside.any():
        token, layer, rank = (int(i) for i in np.argwhere(outside)[0])
        raise ContractError(
            f"trace {path}: token {token}, layer {layer}, choice {rank}: expected an expert from 0 to {most - 1}, "
            f"found {ids_TLK[token, layer, rank]}"
        )
    ordered = np.sort(ids_TLK, axis=2)
    twice = (ordered[..., 1:] == ordered[..., :-1]).any(axis=2)
    if twice.any():
        token, layer = (int(i) for i in np.argwhere(twice)[0])
        raise ContractError(
            f"trace {path}: token {token}, layer {layer}: expected different experts, "
            f"found {ids_TLK[token, layer].tolist()}"
        )
