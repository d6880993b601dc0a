"""A table whose rows become prompts, and what a program may decide about them.

Shapes: N rows, C columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Column = tuple[Ints, Ints]  # (N,) a number for each row's value, equal for equal values; (N,) tokens of each cell


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Cells as numbers: the text that is cached, "name: value", is known by its column and value only."""

    values_NC: Ints  # from 0 in each column, without gaps; equal values of different columns are different cells
    lengths_NC: Ints  # tokens of the cell, its field's name included: at least 1, equal for equal values of a column

    @property
    def num_rows(self) -> int:
        """Prompts to be made."""
        return len(self.values_NC)

    @property
    def num_columns(self) -> int:
        """Cells of each prompt."""
        return len(self.values_NC.T)

    @property
    def tokens(self) -> int:
        """Of all prompts together."""
        return int(self.lengths_NC.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """In which order the rows are served, and how each of them is written."""

    rows_N: Ints  # a permutation of the rows
    columns_NC: Ints  # of each row of the table: a permutation of the columns


def make_table(columns: Sequence[Column], rng: np.random.Generator | None = None) -> Table:
    """The table of these columns; values are numbered by first occurrence, or at random if `rng` is given.

    Raises:
        ValueError: Equal values of a column have different lengths, or a cell has no token.
    """
    numbered = [_numbered(values_N, rng) for values_N, _ in columns]
    table = Table(np.stack(numbered, axis=1), np.stack([lengths_N for _, lengths_N in columns], axis=1))
    for values_N, lengths_N in zip(table.values_NC.T, table.lengths_NC.T, strict=True):
        told = np.zeros(len(values_N), dtype=np.int64)
        told[values_N] = lengths_N
        if (told[values_N] != lengths_N).any() or lengths_N.min() < 1:
            raise ValueError("a table needs one length of 1 or more for each value of a column")
    return table


def as_it_is(table: Table) -> Plan:
    """Rows and columns in the order of the table."""
    columns_NC = np.tile(np.arange(table.num_columns), (table.num_rows, 1))
    return Plan(np.arange(table.num_rows), columns_NC)


def _numbered(values_N: Ints, rng: np.random.Generator | None) -> Ints:
    _, first, codes_N = np.unique(values_N, return_index=True, return_inverse=True)
    numbers = np.argsort(np.argsort(first)) if rng is None else rng.permutation(len(first))
    return np.asarray(numbers[codes_N], dtype=np.int64)
