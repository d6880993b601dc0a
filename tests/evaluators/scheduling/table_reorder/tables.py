"""Small tables, plans and programs for the tests of `table_reorder`, and the rules told a second time, slowly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np

from evaluators.problem import ClockPolicy
from evaluators.scheduling.table_reorder.cache import Cache
from evaluators.scheduling.table_reorder.scenario import Scenario, make_scenario
from evaluators.scheduling.table_reorder.table import Plan, Table, make_table

CLOCK = ClockPolicy()
UNBOUNDED = Cache(block=1, capacity=10**9, in_flight=1)
START = """
import numpy as np
def reorder(table):
    values = table["values"]
    rows, columns = values.shape
    whole = np.tile(np.arange(columns), (rows, 1))
"""
AS_IT_IS = START + "    return {'rows': np.arange(rows), 'columns': whole}"
SORTED = START + "    return {'rows': np.lexsort(values.T[::-1]), 'columns': whole}"


def table_of(*rows: str, tokens: int = 1) -> Table:
    """``"ax ay bx"``: a letter is a value; all cells have so many tokens."""
    columns = zip(*[[ord(letter) for letter in row] for row in rows], strict=True)
    return make_table([(np.array(values), np.full(len(rows), tokens)) for values in columns])


def random_table(seed: int, size: int, columns: int, values: int = 3, longest: int = 9) -> Table:
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(columns):
        values_N, tokens = rng.integers(values, size=size), rng.integers(1, longest + 1, values)
        drawn.append((values_N, tokens[values_N]))
    return make_table(drawn, rng)


def random_plan(table: Table, rng: np.random.Generator) -> Plan:
    """Few different orders of columns, so that something is found."""
    orders = [rng.permutation(table.num_columns) for _ in range(2)]
    columns_NC = np.array([orders[int(rng.integers(2))] for _ in range(table.num_rows)])
    return Plan(rng.permutation(table.num_rows), columns_NC)


def a_scenario(table: Table | None = None, cache: Cache = UNBOUNDED) -> Scenario:
    return make_scenario("scene-0", "scene", table or random_table(0, 12, 4), cache, candidate_seed=7)


def blocks_of(table: Table, plan: Plan, row: int, block: int) -> list[tuple[object, ...]]:
    """Each full block of a row's prompt, as all tokens up to its end; a token is its cell and its place in it."""
    tokens = [
        (column, int(table.values_NC[row, column]), place)
        for column in plan.columns_NC[row].tolist()
        for place in range(int(table.lengths_NC[row, column]))
    ]
    return [tuple(tokens[:end]) for end in range(block, len(tokens) + 1, block)]


def found_by_blocks(table: Table, plan: Plan, cache: Cache) -> list[int]:
    """The rule of the cache as it is told, block by block: a list from the newest to the oldest."""
    prompts = [blocks_of(table, plan, row, cache.block) for row in plan.rows_N.tolist()]
    kept: list[tuple[object, ...]] = []
    found = []
    for place, prompt in enumerate(prompts):
        if place >= cache.in_flight:
            ended = prompts[place - cache.in_flight]
            kept = ended + [one for one in kept if one not in ended]
            kept = kept[: cache.capacity // cache.block]
        hits = 0
        while hits < len(prompt) and prompt[hits] in kept:
            hits += 1
        found.append(hits * cache.block)
    return found


def every_plan(table: Table) -> Iterator[Plan]:
    """All orders of rows and of the columns of each."""
    orders = list(permutations(range(table.num_columns)))
    for rows in permutations(range(table.num_rows)):
        for columns in product(orders, repeat=table.num_rows):
            yield Plan(np.array(rows), np.array(columns))


def most_shared(table: Table) -> int:
    """Over all orders of columns: what an unbounded cache in tokens finds, in whatever order the rows are served."""
    cells = [list(zip(range(table.num_columns), row, strict=True)) for row in table.values_NC.tolist()]
    orders = list(permutations(range(table.num_columns)))
    tokens = {
        cell: int(n) for row, ns in zip(cells, table.lengths_NC, strict=True) for cell, n in zip(row, ns, strict=True)
    }
    least = table.tokens
    for chosen in product(orders, repeat=table.num_rows):
        nodes = {
            tuple(row[column] for column in order[: depth + 1])
            for row, order in zip(cells, chosen, strict=True)
            for depth in range(table.num_columns)
        }
        least = min(least, sum(tokens[node[-1]] for node in nodes))
    return table.tokens - least
