"""A measured network in a user's file, instead of a drawn one.

The file is CSV, gzipped or not, with the columns ``src_region,dst_region,gbps,usd_per_gb``: what one machine in the one
region reaches to one in the other, and the price. Regions are called ``provider:name``. Every ordered pair of the
regions named is there once. An empty price stands for the mean of the known prices between the same two providers.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from evaluators.contract import ContractError, ParameterValue
from evaluators.parameters import file_path
from evaluators.scheduling.broadcast.transfer import Floats
from evaluators.user_file import read_text, told_columns

COLUMNS = ["src_region", "dst_region", "gbps", "usd_per_gb"]
MOST_BYTES = 64 << 20
# No network is beyond these, and sums of hours and dollars that are leave the range of the bound's solver.
GBPS = (1e-6, 1e6)
MOST_USD_PER_GB = 1e6
FEWEST_REGIONS = 3
MOST_GRID_REGIONS = 500

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Regions by name, and the links between one machine in each."""

    path: Path
    names: tuple[str, ...]  # sorted
    gbps_RR: Floats
    usd_per_gb_RR: Floats

    @property
    def providers(self) -> tuple[str, ...]:
        """Of each region: its name up to the colon."""
        return tuple(_provider(name) for name in self.names)


@lru_cache(maxsize=1)
def read_grid(value: ParameterValue) -> Grid:
    """The grid in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which line or pair departs from the format, and how.
    """
    path = file_path(value)
    where = f"grid {path}"
    gbps, usd = _pairs(read_text(path, where, "text", MOST_BYTES), where)
    names = tuple(sorted({name for pair in gbps for name in pair}))
    if not FEWEST_REGIONS <= len(names) <= MOST_GRID_REGIONS:
        raise ContractError(f"{where}: expected {FEWEST_REGIONS} to {MOST_GRID_REGIONS} regions, found {len(names)}")
    pairs = [(here, there) for here in names for there in names if here != there]
    missing = [pair for pair in pairs if pair not in gbps]
    if missing:
        raise ContractError(
            f"{where}: expected a line for every ordered pair of its {len(names)} regions, found none from "
            f"{missing[0][0]} to {missing[0][1]} ({len(missing)} are missing); measure it, or leave a region out"
        )
    return Grid(path, names, _matrix(names, gbps), _matrix(names, _with_means(pairs, usd, where)))


def _pairs(text: str, where: str) -> tuple[dict[Pair, float], dict[Pair, float]]:
    """Gbit/s of every pair and the price of those that have one."""
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    except csv.Error as error:
        raise ContractError(f"{where}: expected comma-separated values, found {error}") from error
    if not rows or rows[0] != COLUMNS:
        found = told_columns(rows[0] if rows else ())
        raise ContractError(f"{where}: expected the columns {','.join(COLUMNS)}, found {found}")
    gbps: dict[Pair, float] = {}
    usd: dict[Pair, float] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue  # an empty line, as editors leave at the end
        place = f"{where}, line {number}"
        if len(row) != len(COLUMNS):
            raise ContractError(f"{place}: expected {len(COLUMNS)} values, found {len(row)}")
        pair = _pair(row[0], row[1], place)
        if pair in gbps:
            raise ContractError(f"{place}: the pair {pair[0]} to {pair[1]} was there before")
        gbps[pair] = _number(row[2], f"{place}, gbps")
        if gbps[pair] == 0.0:
            raise ContractError(f"{place}, gbps: expected a positive number, found 0")
        _check_range(gbps[pair], *GBPS, f"{place}, gbps")
        if row[3].strip():
            usd[pair] = _number(row[3], f"{place}, usd_per_gb")
            _check_range(usd[pair], 0.0, MOST_USD_PER_GB, f"{place}, usd_per_gb")
    return gbps, usd


def _pair(here: str, there: str, place: str) -> Pair:
    for name in (here, there):
        if not all(name.partition(":")):
            raise ContractError(f"{place}: expected a region as provider:name, found {name!r:.60}")
    if here == there:
        raise ContractError(f"{place}: expected two different regions, found {here} twice")
    return here, there


def _number(text: str, place: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 <= number < math.inf:
        raise ContractError(f"{place}: expected a finite number that is not negative, found {text!r:.40}")
    return number


def _check_range(number: float, least: float, most: float, place: str) -> None:
    if not least <= number <= most:
        raise ContractError(f"{place}: expected a number from {least:g} to {most:g}, found {number:g}")


def _with_means(pairs: list[Pair], usd: Mapping[Pair, float], where: str) -> dict[Pair, float]:
    known: dict[Pair, list[float]] = {}
    for (here, there), price in usd.items():
        known.setdefault((_provider(here), _provider(there)), []).append(price)
    filled = {}
    for here, there in pairs:
        alike = known.get((_provider(here), _provider(there)), [])
        if not alike:
            raise ContractError(
                f"{where}: no price is known from {_provider(here)} to {_provider(there)}; expected usd_per_gb for at "
                f"least one such pair, such as {here} to {there}"
            )
        filled[here, there] = usd.get((here, there), math.fsum(alike) / len(alike))
    return filled


def _matrix(names: tuple[str, ...], values: Mapping[Pair, float]) -> Floats:
    rows = [[values.get((here, there), 0.0) for there in names] for here in names]
    return np.array(rows, dtype=np.float64)


def _provider(name: str) -> str:
    return name.partition(":")[0]
