"""A table from a user's file: CSV with a line of names.

A cell is written as "name: value" and a separator of one character; its tokens are these characters divided by four,
rounded up. No tokenizer is asked. Texts stay here: programs see numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from evaluators.contract import ContractError, ParameterValue, Split
from evaluators.parameters import file_path
from evaluators.scheduling.table_reorder.parameters import MOST_ROWS
from evaluators.scheduling.table_reorder.table import Table, make_table
from evaluators.stretches import SHORTEST, STRETCHES
from evaluators.user_file import read_text, told_columns

MOST_COLUMNS = 40
MOST_CHARACTERS = 1_000_000  # of a cell
CHARACTERS = 4  # of a token
AROUND = 3  # characters beside name and value: a colon, a space, and what separates cells
LEFT_OUT = 0.1  # of a table that is too short for stretches, each instance lacks this share


@dataclass(frozen=True, slots=True)
class Recording:
    """The rows of one file, in order."""

    name: str
    names: Sequence[str]
    rows: Sequence[Sequence[str]]

    def whole(self, size: int) -> list[tuple[str, Table]]:
        """The table as it is; one too long for a plan of its own is cut into runs of `size` rows."""
        if len(self.rows) <= MOST_ROWS:
            return [(self.name, self._table(self.rows))]
        runs = [self.rows[at : at + size] for at in range(0, len(self.rows) - 1, size)]  # one row alone finds nothing
        return [(f"{self.name}-{place}", self._table(run)) for place, run in enumerate(runs)]

    def part(self, size: int, split: Split, rng: np.random.Generator) -> Table:
        """A part of the table, values numbered at random.

        Of a long one, a run of `size` rows from the split's stretch. Of a short one, nine tenths of the rows, drawn in
        their order, in every split: then the hold-out is no other table.
        """
        count = len(self.rows)
        if SHORTEST * count >= size:
            first, last = (int(share * count) for share in STRETCHES[split])
            start = int(rng.integers(first, last - size + 1))
            return self._table(self.rows[start : start + size], rng)
        kept = np.sort(rng.permutation(count)[: min(count - int(LEFT_OUT * count), MOST_ROWS)])
        return self._table([self.rows[place] for place in kept], rng)

    def _table(self, rows: Sequence[Sequence[str]], rng: np.random.Generator | None = None) -> Table:
        columns = []
        for place, name in enumerate(self.names):
            texts = [row[place] for row in rows]
            numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
            lengths = [-(-(len(name) + len(text) + AROUND) // CHARACTERS) for text in texts]
            columns.append((np.array([numbers[text] for text in texts]), np.array(lengths)))
        return make_table(columns, rng)


@lru_cache(maxsize=1)
def read_recording(value: ParameterValue) -> Recording:
    """The table in a file parameter's value.

    Raises:
        ContractError: Not such a file; says which line departs from the form, and how.
    """
    path = file_path(value)
    where = f"table {path}"
    text = read_text(path, where, "CSV")
    csv.field_size_limit(MOST_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = _names(next(reader, []), where)
        rows = [_row(cells, names, f"{where}, line {reader.line_num}") for cells in reader if cells]
    except csv.Error as error:
        raise ContractError(f"{where}, line {reader.line_num}: expected CSV, found {error}") from error
    if len(rows) < 2:
        raise ContractError(f"{where}: expected two or more rows below the names, found {len(rows)}")
    return Recording(path.stem, names, rows)


def _names(cells: Sequence[str], where: str) -> Sequence[str]:
    if not 2 <= len(cells) <= MOST_COLUMNS:
        raise ContractError(
            f"{where}, line 1: expected the names of 2 to {MOST_COLUMNS} columns, found {len(cells)}: "
            f"{told_columns(cells)}"
        )
    for place, name in enumerate(cells):
        if not name.strip():
            raise ContractError(f"{where}, line 1: expected a name for column {place + 1}, found none")
        if name in cells[:place]:
            raise ContractError(f"{where}, line 1: expected different names, found {name!r} twice")
    return cells


def _row(cells: Sequence[str], names: Sequence[str], where: str) -> Sequence[str]:
    if len(cells) != len(names):
        raise ContractError(f"{where}: expected {len(names)} cells, found {len(cells)}")
    return cells
