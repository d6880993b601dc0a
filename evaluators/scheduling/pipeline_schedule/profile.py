"""Layers of a user's model from a file, put together to stages.

A file is CSV with a header, or a JSON list of objects: one row a layer (or a stage), in the order of the model, with
the columns `COLUMNS` and perhaps a name, which is not used. Times are in microseconds, memory in MB, of one
micro-batch.

Shapes: C columns, L layers, S stages.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError, ParameterValue
from evaluators.parameters import file_path
from evaluators.user_file import parsed_json, read_text

COLUMNS = ("forward_us", "input_us", "weight_us", "activation_mb", "kept_mb")
NAME = "name"
MOST_BYTES = 16 << 20
MOST_LAYERS = 4096
LARGEST = 1e9
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The rows of one file."""

    layers_CL: Floats  # in the order of `COLUMNS`

    @property
    def layers(self) -> int:
        """L."""
        return int(self.layers_CL.shape[1])

    def stages_CS(self, stages: int) -> Floats:
        """What each of so many stages takes and holds: runs of layers, the slowest of them as fast as can be."""
        cuts = fairest_cuts(self.layers_CL[:3].sum(axis=0), stages)
        return np.add.reduceat(self.layers_CL, cuts, axis=1)


def fairest_cuts(times_L: Floats, stages: int) -> list[int]:
    """Where each stage begins, if layers in their order are cut into stages whose largest sum is least."""
    total_L = np.concatenate([[0.0], np.cumsum(times_L)])
    count = len(times_L)
    best, choices = total_L.copy(), []
    for stage in range(1, stages):
        found, choice = np.full(count + 1, np.inf), np.zeros(count + 1, dtype=np.int64)
        for end in range(stage + 1, count + 1):
            costs = np.maximum(best[stage:end], total_L[end] - total_L[stage:end])
            choice[end] = stage + int(costs.argmin())
            found[end] = costs.min()
        best = found
        choices.append(choice)
    cuts, end = [], count
    for choice in reversed(choices):
        end = int(choice[end])
        cuts.append(end)
    return [0, *reversed(cuts)]


@lru_cache(maxsize=1)
def read_profile(value: ParameterValue) -> Profile:
    """The layers in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which row and column departs from the form, and how.
    """
    path = file_path(value)
    where = f"profile {path}"
    text = read_text(path, where, "CSV or JSON", MOST_BYTES)
    rows = _json_rows(text, where) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, where)
    if not 2 <= len(rows) <= MOST_LAYERS:
        raise ContractError(f"{where}: expected 2 to {MOST_LAYERS} layers, found {len(rows)}")
    return Profile(np.array([_layer(row, f"{where}, row {place}") for place, row in enumerate(rows)]).T.copy())


def _json_rows(text: str, where: str) -> list[dict[str, object]]:
    rows = parsed_json(text, where, "JSON or CSV")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ContractError(f"{where}: expected a list of objects, found {type(rows).__name__}")
    return rows


def _csv_rows(text: str, where: str) -> list[dict[str, object]]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line]
    except csv.Error as error:
        raise ContractError(f"{where}: expected CSV, found {error}") from error
    if not lines:
        raise ContractError(f"{where}: expected rows of layers, found nothing")
    header = [name.strip() for name in lines[0]]
    if len(set(header)) != len(header):
        raise ContractError(f"{where}: expected every column once, found {', '.join(header)}")
    for place, line in enumerate(lines[1:]):
        if len(line) != len(header):
            raise ContractError(f"{where}, row {place}: expected {len(header)} fields, found {len(line)}")
    return [dict(zip(header, line, strict=True)) for line in lines[1:]]


def _layer(row: dict[str, object], where: str) -> list[float]:
    missing = [name for name in COLUMNS if name not in row]
    unknown = [name for name in row if name not in (*COLUMNS, NAME)]
    if missing or unknown:
        found = f"no {missing[0]}" if missing else f"{unknown[0]!r}"
        raise ContractError(f"{where}: expected {', '.join(COLUMNS)} and perhaps {NAME}, found {found}")
    layer = [_number(row[name], f"{where}, {name}") for name in COLUMNS]
    forward, back, _, activation, kept = layer
    if min(forward, back, activation) <= 0:
        found = f"{forward:g}, {back:g} and {activation:g}"
        raise ContractError(f"{where}: expected forward_us, input_us and activation_mb above 0, found {found}")
    if kept > activation:
        raise ContractError(f"{where}: expected kept_mb of at most activation_mb ({activation:g}), found {kept:g}")
    return layer


def _number(value: object, where: str) -> float:
    number = math.nan
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    if not 0 <= number <= LARGEST:
        raise ContractError(f"{where}: expected a number from 0 to {LARGEST:g}, found {str(value)[:40]!r}")
    return number
