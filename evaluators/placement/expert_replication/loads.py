"""Recorded loads instead of generated ones: the splits take disjoint stretches of the file, the hold-out the last.

Shapes: S recorded steps (one iteration each), W windows, I iterations kept per window, L layers, E experts, T tokens,
K experts per token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.placement.expert_replication.parameters import MOST_EXPERTS
from evaluators.placement.expert_replication.workload import RECENT_ITERATIONS, LoadShape, Workload, relative
from evaluators.placement.token_ids import MOST_BYTES, read_token_ids
from evaluators.stretches import SHORTEST, STRETCHES
from evaluators.user_file import read_json

FEWEST_STEPS = 48  # twelve windows in the shortest stretch
DEFAULT_STEPS = 512  # a trace of tokens is cut into so many iterations unless `tokens` says how many make one
MOST_STEPS_PER_WINDOW = 100


@dataclass(frozen=True, slots=True, eq=False)
class RecordedLoads:
    """Tokens per expert in consecutive iterations."""

    steps_SLE: npt.NDArray[np.int64]
    top_k: int
    window_steps: int | None  # iterations between two plans where the user said so

    def settings(self) -> dict[str, ParameterValue]:
        """The parameters that the file decides."""
        _, layers, experts = self.steps_SLE.shape
        tokens = max(1, round(float(self.steps_SLE.sum(axis=2).mean()) / self.top_k))
        return {"layers": layers, "experts": experts, "top_k": self.top_k, "tokens": tokens}

    def workload(self, shape: LoadShape, split: Split, rng: np.random.Generator) -> Workload:
        """Consecutive windows from a random place in the split's stretch.

        Raises:
            ContractError: The stretch is shorter than the windows of one scenario.
        """
        first, last = (int(len(self.steps_SLE) * share) for share in STRETCHES[split])
        per_window = self._steps_per_window(shape)
        spare = last - first - per_window * shape.windows
        if spare < 0:
            raise ContractError(
                f"loads: the {split} stretch has {last - first} iterations, but a scenario of this tier needs "
                f"{shape.windows} windows of {per_window}; record a longer run or use a smaller tier"
            )
        return self._windows(shape, first + int(rng.integers(spare + 1)), per_window)

    def whole(self, shape: LoadShape) -> Workload:
        """All of it in consecutive windows; at most the last few iterations are left over.

        Raises:
            ContractError: There are fewer iterations than a scenario looks at.
        """
        per_window = len(self.steps_SLE) // shape.windows
        if per_window < shape.kept_iterations:
            raise ContractError(
                f"loads: expected {shape.windows * shape.kept_iterations} iterations or more for a whole scenario, "
                f"found {len(self.steps_SLE)}"
            )
        return self._windows(shape, 0, per_window)

    def _windows(self, shape: LoadShape, start: int, per_window: int) -> Workload:
        layers = np.linspace(0, self.steps_SLE.shape[1] - 1, shape.layers).round().astype(np.intp)
        windows = self.steps_SLE[start : start + per_window * shape.windows, layers]
        windows_WSLE = windows.reshape(shape.windows, per_window, *windows.shape[1:])
        kept = np.arange(shape.kept_iterations) * per_window // shape.kept_iterations
        return Workload(
            windows_WSLE.sum(axis=1),
            windows_WSLE[:, kept].astype(np.int32),
            shape.warmup,
            _recent(windows, shape.warmup * per_window, per_window, kept),
        )

    def _steps_per_window(self, shape: LoadShape) -> int:
        if self.window_steps is not None:
            return self.window_steps
        return max(1, min(MOST_STEPS_PER_WINDOW, int(len(self.steps_SLE) * SHORTEST) // shape.windows))


def _recent(
    steps_SLE: npt.NDArray[np.int64], first: int, per_window: int, kept: npt.NDArray[np.intp]
) -> npt.NDArray[np.float16]:
    """Loads of the few steps before each kept one of the windows from step `first` on, ``(W, I, L, E)``."""
    starts = range(first, len(steps_SLE), per_window)
    sums = [
        [steps_SLE[max(0, start + step - RECENT_ITERATIONS) : start + step].sum(axis=0) for step in kept]
        for start in starts
    ]
    return relative(np.array(sums, dtype=np.float64))


def read_loads(value: str, settings: Mapping[str, ParameterValue]) -> RecordedLoads:
    """The loads in a file parameter's value; `settings` must not contradict them.

    Raises:
        ContractError: Not such a file, too short, or not the model that the settings describe.
    """
    path = file_path(value)
    window_steps = int(settings.get("window_iterations", 0)) or None
    if path.suffix == ".npy":
        ids = _cached_ids(value)
        steps = counted(ids, int(settings.get("tokens", 0)), int(settings.get("experts", 0)), path)
        top_k = ids.shape[2]
    else:
        steps, top_k = _cached_history(value), int(settings.get("top_k", 8))
    recorded = RecordedLoads(steps, top_k, window_steps)
    if len(steps) < FEWEST_STEPS:
        raise ContractError(f"loads {path}: expected {FEWEST_STEPS} iterations or more, found {len(steps)}")
    for name, found in recorded.settings().items():
        if name != "tokens" and name in settings and settings[name] != found:
            raise ContractError(f"loads {path}: the file has {name} = {found}, but {name} was set to {settings[name]}")
    return recorded


@lru_cache(maxsize=1)
def _cached_history(value: str) -> npt.NDArray[np.int64]:
    return read_load_history(file_path(value))


@lru_cache(maxsize=1)
def _cached_ids(value: str) -> npt.NDArray[np.int64]:
    return read_token_ids(file_path(value))


def read_load_history(path: Path) -> npt.NDArray[np.int64]:
    """``(S, L, E)`` from JSON ``{"load_history": [{"logical_expert_load": [[...], ...]}, ...]}``, as vLLM dumps it.

    Raises:
        ContractError: Not such a file; says where it departs from that.
    """
    content = read_json(path, f"loads {path}", "JSON or .npy", MOST_BYTES)
    if not isinstance(content, dict) or not isinstance(content.get("load_history"), list):
        raise ContractError(f'loads {path}: expected an object with a list "load_history"')
    steps = [_step(entry, index, path) for index, entry in enumerate(content["load_history"])]
    shapes = {step.shape for step in steps}
    if len(shapes) != 1:
        raise ContractError(f"loads {path}: expected steps of one shape [layers][experts], found {sorted(shapes)}")
    return np.stack(steps)


def _step(entry: object, index: int, path: Path) -> npt.NDArray[np.int64]:
    where = f"loads {path}: load_history[{index}]"
    if not isinstance(entry, dict) or "logical_expert_load" not in entry:
        raise ContractError(f'{where}: expected an object with "logical_expert_load"')
    try:
        counts = np.array(entry["logical_expert_load"], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ContractError(f"{where}: expected numbers [layers][experts], found {error}") from error
    if counts.ndim != 2 or not counts.size:
        raise ContractError(f"{where}: expected numbers [layers][experts], found {counts.ndim} dimensions")
    if not np.isfinite(counts).all() or (counts < 0).any() or (counts >= 2**31).any():
        raise ContractError(f"{where}: expected token counts from 0 to 2^31 - 1")
    return counts.astype(np.int64)


def counted(ids_TLK: npt.NDArray[np.int64], tokens: int, experts: int, path: Path) -> npt.NDArray[np.int64]:
    """Tokens per expert in iterations of `tokens` tokens, ``(S, L, E)``; what is left over at the end is dropped."""
    highest = int(ids_TLK.max())
    if ids_TLK.min() < 0 or (experts and highest >= experts):
        raise ContractError(
            f"loads {path}: expected expert ids from 0 to {(experts or highest + 1) - 1}, "
            f"found {int(ids_TLK.min())} to {highest}"
        )
    num_experts = experts or highest + 1
    if num_experts > MOST_EXPERTS:
        raise ContractError(f"loads {path}: expected expert ids below {MOST_EXPERTS}, found {highest}")
    per_step = tokens or max(1, len(ids_TLK) // DEFAULT_STEPS)
    num_steps, num_layers = len(ids_TLK) // per_step, ids_TLK.shape[1]
    rows = np.arange(num_steps * per_step) // per_step
    seats = (rows[:, None, None] * num_layers + np.arange(num_layers)[:, None]) * num_experts
    flat = (seats + ids_TLK[: num_steps * per_step]).ravel()
    counts = np.bincount(flat, minlength=num_steps * num_layers * num_experts)
    return counts.reshape(num_steps, num_layers, num_experts).astype(np.int64)
