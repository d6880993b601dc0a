"""Which leading cells prompts have in common.

A node is a list of cells that some prompt begins with: the prompts of a plan make a tree of them, a trie.

Shapes: N rows in the order in which they are served, C cells of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.table_reorder.table import Ints, Plan, Table


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """The prompts of a plan, in the order in which they are served."""

    nodes_NC: Ints  # the node of the first 1, 2, ... cells: equal where two prompts begin with the same cells
    lengths_NC: Ints  # tokens of each cell

    @property
    def ends_NC(self) -> Ints:
        """Tokens up to the end of each cell."""
        return np.asarray(np.cumsum(self.lengths_NC, axis=1), dtype=np.int64)


def write_prompts(table: Table, plan: Plan) -> Prompts:
    """The prompts of a valid plan."""
    columns_NC = plan.columns_NC[plan.rows_N]
    first_C = np.concatenate([[0], np.cumsum(table.values_NC.max(axis=0) + 1)])
    cells_NC = first_C[columns_NC] + np.take_along_axis(table.values_NC[plan.rows_N], columns_NC, axis=1)
    nodes_NC = np.empty_like(cells_NC)
    prefix_N, known = np.zeros(table.num_rows, dtype=np.int64), 0
    for depth in range(table.num_columns):
        _, prefix_N = np.unique(prefix_N * first_C[-1] + cells_NC[:, depth], return_inverse=True)
        nodes_NC[:, depth] = prefix_N + known
        known += int(prefix_N.max()) + 1
    return Prompts(nodes_NC, np.take_along_axis(table.lengths_NC[plan.rows_N], columns_NC, axis=1))


def shared_with_previous(prompts: Prompts) -> int:
    """Tokens of all leading cells that each prompt has in common with the one before it."""
    same_NC = prompts.nodes_NC[1:] == prompts.nodes_NC[:-1]
    return int(prompts.lengths_NC[1:][same_NC].sum())


def shared_with_any(prompts: Prompts) -> int:
    """Tokens of the longest run of leading cells that each prompt has in common with any one before it."""
    _, first = np.unique(prompts.nodes_NC, return_index=True)
    return int(prompts.lengths_NC.sum() - prompts.lengths_NC.ravel()[first].sum())
