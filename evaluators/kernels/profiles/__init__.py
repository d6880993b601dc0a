"""Measured times of experts and of a layer's stages on one device: read by name or by path. No torch.

A profile is a JSON file that `python -m evaluators.kernels.cost_curve` writes; those in this folder go by their names.
A file with ``{"tokens": [...], "time_us": [...]}`` alone is a profile too, of an expert of unknown size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError
from evaluators.parameters import library_files
from evaluators.user_file import read_json

LIBRARY = __name__  # what a task's parameter names, so that its value may be the name of a profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertSize:
    """The expert whose times these are."""

    width: int
    expert_width: int
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTimes:
    """One layer of the same experts with evenly spread tokens: microseconds of each stage, forward."""

    tokens: int
    experts: int
    top_k: int
    router_us: float
    schedule_us: float
    permute_us: float  # a stage of its own only where the first product does not gather its rows itself
    gate_up_us: float
    down_us: float
    combine_us: float

    @property
    def tokens_per_expert(self) -> float:
        """Rows of an expert where all have as many."""
        return self.tokens * self.top_k / self.experts

    @property
    def expert_share(self) -> float:
        """Share of the layer's time that is spent in its experts; attention is no part of the layer."""
        experts_us = self.gate_up_us + self.down_us
        return experts_us / (experts_us + self.router_us + self.schedule_us + self.combine_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a device takes. Hashable, so that what is computed with it can be remembered."""

    name: str
    tokens: tuple[int, ...]  # (Q,) knots, increasing
    time_us: tuple[float, ...]  # (Q,) one expert more beside others, both products
    expert: ExpertSize | None = None
    layer: LayerTimes | None = None

    def expert_us(self, tokens: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Times of experts with so many tokens, any shape: straight lines between the knots, 0 for none.

        Beyond the last knot time grows in proportion. Placement uses stairs instead (`measured_curve`), since its
        bound needs whole tiles.
        """
        knots, times = np.array(self.tokens, dtype=np.float64), np.array(self.time_us)
        beyond = times[-1] * tokens / knots[-1]
        on_lines = np.where(tokens > knots[-1], beyond, np.interp(tokens, knots, times))
        return np.where(tokens > 0, on_lines, 0.0)


def names() -> tuple[str, ...]:
    """The profiles that are shipped."""
    return tuple(library_files(LIBRARY))


def shipped_text() -> str:
    """The shipped profiles, for a parameter's description."""
    return f"shipped: {', '.join(names())}" if names() else "none is shipped yet"


def read(name_or_path: str) -> Profile:
    """A profile by the name of a shipped one, or by its path.

    Raises:
        ContractError: There is none, or it is no profile; says what was expected and found.
    """
    path = library_files(LIBRARY).get(name_or_path, Path(name_or_path))
    content = read_json(path, f"profile {path}", f"JSON ({shipped_text()})")
    if not isinstance(content, dict) or not {"tokens", "time_us"} <= content.keys():
        raise ContractError(f'profile {path}: expected an object with the lists "tokens" and "time_us"')
    tokens, times = _numbers(content["tokens"], path), _numbers(content["time_us"], path)
    _check_curve(tokens, times, path)
    return Profile(
        name=path.stem,
        tokens=tuple(int(count) for count in tokens),
        time_us=tuple(float(us) for us in times),
        expert=_expert(content.get("expert"), path),
        layer=_layer(content.get("layer"), path),
    )


def _check_curve(tokens: npt.NDArray[np.float64], times: npt.NDArray[np.float64], path: Path) -> None:
    if tokens.shape != times.shape or tokens.size < 2:
        raise ContractError(
            f"profile {path}: expected two lists of the same length, 2 or more, found {tokens.size} and {times.size}"
        )
    if tokens[0] < 1 or (np.diff(tokens) <= 0).any() or (times <= 0).any():
        raise ContractError(f"profile {path}: expected increasing tokens from 1 or more, and positive times")


def _numbers(values: object, path: Path) -> npt.NDArray[np.float64]:
    if not isinstance(values, list) or not all(_is_number(value) for value in values):
        raise ContractError(f'profile {path}: expected lists of finite numbers under "tokens" and "time_us"')
    return np.array(values, dtype=np.float64)


def _expert(content: object, path: Path) -> ExpertSize | None:
    if content is None:
        return None
    match content:
        case {"width": int(width), "expert_width": int(expert_width), "dtype": str(dtype)}:
            return ExpertSize(width=width, expert_width=expert_width, dtype=dtype)
        case _:
            raise ContractError(f'profile {path}: expected "width", "expert_width" and "dtype" under "expert"')


def _layer(content: object, path: Path) -> LayerTimes | None:
    if content is None:
        return None
    wanted = [field.name for field in fields(LayerTimes)]
    if not isinstance(content, Mapping) or not all(_is_positive(content.get(name)) for name in wanted):
        raise ContractError(f'profile {path}: expected positive numbers {", ".join(wanted)} under "layer"')
    return LayerTimes(
        tokens=int(content["tokens"]),
        experts=int(content["experts"]),
        top_k=int(content["top_k"]),
        router_us=float(content["router_us"]),
        schedule_us=float(content["schedule_us"]),
        permute_us=float(content["permute_us"]),
        gate_up_us=float(content["gate_up_us"]),
        down_us=float(content["down_us"]),
        combine_us=float(content["combine_us"]),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value < float("inf")
