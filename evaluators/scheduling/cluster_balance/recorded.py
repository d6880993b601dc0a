"""Jobs from a user's CSV file, cut into stretches for the splits."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.scheduling.cluster_balance.workload import Floats, Ints, Jobs
from evaluators.stretches import STRETCHES
from evaluators.user_file import read_text, told_columns

COLUMNS = ["arrival_s", "cpu", "memory", "seconds", "weight"]
GROUP = "group"
FEWEST_JOBS = 80
MOST_BYTES = 128 << 20
MOST = {"arrival_s": 1e12, "cpu": 1e6, "memory": 1e6, "seconds": 1e9, "weight": 1e6}
PART = 300  # jobs of an instance, at most


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The rows of a file in order of arrival: (N, 5) as `COLUMNS`, and groups numbered from 0."""

    where: str
    rows_N5: Floats
    group_N: Ints

    def part(self, split: Split, tick_s: float, rng: np.random.Generator) -> Jobs:
        """Some hundred jobs in a row from the split's stretch, at a place drawn by `rng`."""
        first, last = (int(share * len(self.rows_N5)) for share in STRETCHES[split])
        size = min(PART, max((last - first) // 2, 2))
        start = int(rng.integers(first, last - size + 1))
        rows_N5, group_N = self.rows_N5[start : start + size], self.group_N[start : start + size]
        arrival_N = np.ceil((rows_N5[:, 0] - rows_N5[0, 0]) / tick_s).astype(np.int64)
        return Jobs(
            arrival_N=arrival_N,
            size_N=rows_N5[:, 3] / tick_s,
            weight_N=rows_N5[:, 4].copy(),
            demand_N2=rows_N5[:, 1:3].copy(),
            group_N=np.unique(group_N, return_inverse=True)[1].astype(np.int64),
        )


def read_trace(value: ParameterValue) -> Trace:
    """The jobs in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which line departs from the format, and how.
    """
    path = file_path(value)
    where = f"trace {path}"
    reader = csv.reader(read_text(path, where, "CSV", MOST_BYTES).splitlines())
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if header not in (COLUMNS, [*COLUMNS, GROUP]):
            raise ContractError(
                f"{where}: expected the columns {','.join(COLUMNS)}[,group], found {told_columns(header)}"
            )
        cells = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ContractError(f"{where}, line {reader.line_num}: expected CSV, found {error}") from error
    if len(cells) < FEWEST_JOBS:
        raise ContractError(f"{where}: expected at least {FEWEST_JOBS} jobs, found {len(cells)}")
    rows = [_row(row, len(header), f"{where}, line {line}") for line, row in cells]
    names = [row[len(COLUMNS)] if len(header) > len(COLUMNS) else "" for _, row in cells]
    rows_N5 = np.array(rows, dtype=np.float64)
    order = np.argsort(rows_N5[:, 0], kind="stable")
    groups = np.unique(names, return_inverse=True)[1].astype(np.int64)
    return Trace(where, rows_N5[order], groups[order])


def _row(cells: list[str], width: int, where: str) -> list[float]:
    if len(cells) != width:
        raise ContractError(f"{where}: expected {width} cells, found {len(cells)}")
    return [_cell(name, cell, where) for name, cell in zip(COLUMNS, cells, strict=False)]


def _cell(name: str, cell: str, where: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    is_low = number < 0 if name in ("arrival_s", "memory") else number <= 0
    if math.isnan(number) or is_low or number > MOST[name]:
        least = "0" if name in ("arrival_s", "memory") else "above 0"
        raise ContractError(f"{where}: expected {name} from {least} to {MOST[name]:g}, found {cell!r:.40}")
    return number
