"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
Each row of a table becomes a prompt: its cells, each written as "name: value", one behind the other. A serving engine
keeps prompts in a prefix cache, so the leading cells that a prompt has in common with an earlier one cost nothing.
Choose in which order the rows are served, and for each row in which order its cells are written, so that as many tokens
as possible are found. Cells are whole: two that differ share nothing, and since a cell carries its field's name, equal
values of different columns share nothing either.

`reorder(table: dict) -> {"rows": int64 array (N,), "columns": int64 array (N, C)}`, called once per table.
- rows: the rows of the table in the order in which they are served, a permutation of 0 .. N - 1.
- columns: columns[r] is the order of the cells of row r OF THE TABLE (not of the r-th served), a permutation of
  0 .. C - 1.
`table` holds
- values (N, C) int64: numbers that are equal where two rows have the same value in that column. They tell nothing else:
  numbers of different columns have nothing in common. Functional dependencies are yours to find;
- lengths (N, C) int64: tokens of each cell, its name included; equal for equal values of a column;
- block, capacity (tokens), in_flight: the cache, see below; seed: for random numbers of yours.

The cache. A prompt is kept as blocks of `block` tokens, as many as are full, and a block is found if all tokens of the
prompt up to its end equal those of one that is kept: with L tokens in common, L // block * block are found. A prompt
finds what was left by the prompts that ended before it began: with in_flight = k, all but the k - 1 served just before
it; the first k find nothing. When a prompt ends, its blocks are the newest; what does not fit into `capacity` with all
that is newer is dropped, of one prompt the end first. The capacity is at least that of the longest prompt.

What counts is the share of all tokens that is found. A program has two seconds of CPU per table of up to 1500 rows and
24 columns. Count steps, not seconds: scores must repeat. Rows or columns that are missing, doubled or out of range are
an invalid answer.

Unless set up otherwise block is 1 to 64, in_flight 1 to 32, and capacity that of 2 to 120 prompts of mean length, or of
all of them.
"""
REORDER = EntryPoint(
    name="reorder",
    signature='reorder(table: dict) -> {"rows": int64 array (N,), "columns": int64 array (N, C)}',
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (H - H_as_it_is) / (bound - H_as_it_is): 0 for the table as it is, 1 at a proven bound of the table",
    ),
    MetricSpec("hit_rate", "%", _UP, "tokens that the scenario's cache has when a prompt begins, of all tokens (H)"),
    MetricSpec("hit_over_bound", "1", _UP, "H over its proven bound; 1 is often out of reach"),
    MetricSpec("bound_rate", "%", _UP, "the bound, of all tokens; no program's doing"),
    MetricSpec("hit_previous", "%", _UP, "tokens in common with the prompt just before, of all tokens"),
    MetricSpec(
        "hit_any", "%", _UP, "tokens in common with any prompt before, as if the cache had no end: metric of ADRS"
    ),
    MetricSpec("cold", "%", _DOWN, "prompts of which nothing is found"),
    MetricSpec("orders", "%", _DOWN, "different orders of columns, of the number of rows"),
)
