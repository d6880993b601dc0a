"""Batches that look like those of databases: drawn anew from the shape of a benchmark, never its code or its data.

A transaction is a list of (writes, key); keys are drawn as tuples of a table and a row, and numbered at random at the
end, so that a number tells nothing. What a procedure reads and writes is told from memory after the public
descriptions of the benchmarks, and shortened: rows that nobody contends for only make a transaction longer, which
`private` stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.transaction_order.batch import Batch, Transaction, make_batch

Access = tuple[bool, Hashable]
Draw = Callable[[np.random.Generator], list[Access]]  # one transaction
READ, WRITE = False, True


@dataclass(frozen=True, slots=True)
class Zipf:
    """Rows 0 to n - 1, row r with weight ``(r + 1) ** -theta``."""

    rows: int
    theta: float

    def draw(self, rng: np.random.Generator, count: int = 1) -> list[int]:
        """Distinct rows, as many as asked for."""
        weights = np.arange(1.0, self.rows + 1) ** -self.theta
        chosen = rng.choice(self.rows, size=count, replace=False, p=weights / weights.sum())
        return [int(row) for row in chosen]


def draw_batch(draw: Draw, size: int, rng: np.random.Generator) -> Batch:
    """So many transactions, their keys numbered in random order."""
    return make_batch(numbered([draw(rng) for _ in range(size)], rng))


def numbered(drawn: Sequence[Sequence[Access]], rng: np.random.Generator) -> list[Transaction]:
    """The same transactions with numbers from 0 for keys, in random order."""
    keys = list(dict.fromkeys(key for accesses in drawn for _, key in accesses))
    number = dict(zip(keys, rng.permutation(len(keys)).tolist(), strict=True))
    return [[(write, number[key]) for write, key in accesses] for accesses in drawn]


def ycsb(rows: int, theta: float, operations: tuple[int, int], writes: float) -> Draw:
    """Distinct rows of one table, each read or written: the Yahoo cloud benchmark, several operations at a time."""
    table = Zipf(rows, theta)

    def transaction(rng: np.random.Generator) -> list[Access]:
        count = int(rng.integers(operations[0], operations[1] + 1))
        return [(bool(rng.random() < writes), row) for row in table.draw(rng, count)]

    return transaction


def hot_keys(hot: int, cold: int, operations: tuple[int, int], writes: float, share: float) -> Draw:
    """Mostly reads: each operation goes to one of a few hot keys with probability `share`, else to a cold one."""

    def transaction(rng: np.random.Generator) -> list[Access]:
        count = int(rng.integers(operations[0], operations[1] + 1))
        at_hot = min(int((rng.random(count) < share).sum()), hot)
        rows = [*rng.permutation(hot)[:at_hot].tolist(), *(hot + rng.permutation(cold)[: count - at_hot]).tolist()]
        return [(bool(rng.random() < writes), rows[place]) for place in rng.permutation(count)]

    return transaction


def smallbank(customers: int, theta: float) -> Draw:
    """The six procedures of SmallBank on checking and savings accounts; balances are read, then written."""
    table = Zipf(customers, theta)

    def transaction(rng: np.random.Generator) -> list[Access]:
        one, two = table.draw(rng, 2)
        checking, savings = ("checking", one), ("savings", one)
        other = ("checking", two)
        lookup, lookups = [(READ, ("account", one))], [(READ, ("account", one)), (READ, ("account", two))]
        procedures: list[list[Access]] = [
            [*lookup, (READ, savings), (READ, checking)],
            [*lookup, (READ, checking), (WRITE, checking)],
            [*lookup, (READ, savings), (WRITE, savings)],
            [*lookups, *both(savings), *both(checking), *both(other)],
            [*lookup, (READ, savings), (READ, checking), (WRITE, checking)],
            [*lookups, (READ, checking), (READ, other), (WRITE, checking), (WRITE, other)],
        ]  # fmt: skip
        return procedures[int(rng.choice(6, p=[0.15, 0.15, 0.15, 0.15, 0.15, 0.25]))]

    return transaction


def tpcc(warehouses: int, items: int, lines: tuple[int, int], remote: float) -> Draw:
    """New orders, payments and the three smaller procedures of TPC-C on the rows that they share."""
    popular = Zipf(items, 0.6)

    def new_order(rng: np.random.Generator, home: int, district: tuple[str, int, int]) -> list[Access]:
        count = int(rng.integers(lines[0], lines[1] + 1))
        supply = [int(rng.integers(warehouses)) if rng.random() < remote else home for _ in range(count)]
        stock = [("stock", at, item) for at, item in zip(supply, sorted(popular.draw(rng, count)), strict=True)]
        touched = [access for row in stock for access in both(row)]
        start: list[Access] = [(READ, ("warehouse", home)), (READ, district), (WRITE, district), (READ, private(rng))]
        return [*start, *touched, (WRITE, private(rng))]

    def payment(rng: np.random.Generator, home: int, district: tuple[str, int, int]) -> list[Access]:
        warehouse, customer = ("warehouse", home), private(rng)
        return [*both(warehouse), *both(district), *both(customer), (WRITE, private(rng))]

    def look(rng: np.random.Generator, home: int, district: tuple[str, int, int]) -> list[Access]:
        rows = [("stock", home, item) for item in popular.draw(rng, 6)]
        return [(READ, district), *((READ, row) for row in rows)]

    def deliver(rng: np.random.Generator, home: int, district: tuple[str, int, int]) -> list[Access]:
        oldest = [("oldest", home, place) for place in range(5)]
        return [(READ, district), (READ, private(rng)), *(access for row in oldest for access in both(row))]

    def transaction(rng: np.random.Generator) -> list[Access]:
        home = int(rng.integers(warehouses))
        district = ("district", home, int(rng.integers(10)))
        procedure = (new_order, payment, look, deliver)[int(rng.choice(4, p=[0.45, 0.43, 0.08, 0.04]))]
        return procedure(rng, home, district)

    return transaction


def epinions(users: int, items: int, theta: float, updates: float) -> Draw:
    """Reviews of items and trust between users: reads of one side's rows and the links, and single updates."""
    people, things = Zipf(users, theta), Zipf(items, theta)

    def transaction(rng: np.random.Generator) -> list[Access]:
        if rng.random() < updates:
            (user,), (item,) = people.draw(rng), things.draw(rng)
            row: Hashable = [("user", user), ("item", item), ("trust", user), ("review", item)][int(rng.integers(4))]
            return [(READ, ("user", user)), (READ, row), (WRITE, row)]
        if rng.random() < 0.5:
            (item,) = things.draw(rng)
            friends = people.draw(rng, int(rng.integers(2, 7)))
            return [(READ, ("item", item)), (READ, ("review", item)), *((READ, ("trust", user)) for user in friends)]
        (user,) = people.draw(rng)
        seen = things.draw(rng, int(rng.integers(2, 7)))
        return [(READ, ("user", user)), (READ, ("trust", user)), *((READ, ("review", item)) for item in seen)]

    return transaction


def taobench(objects: int, theta: float, reads: tuple[int, int], writes: float) -> Draw:
    """A social graph: long read transactions over objects and edges, short write transactions on an edge's two ends."""
    nodes = Zipf(objects, theta)

    def transaction(rng: np.random.Generator) -> list[Access]:
        if rng.random() < writes:
            one, two = nodes.draw(rng, 2)
            rows: list[Access] = [(WRITE, ("edge", one, two)), (WRITE, one), (WRITE, two)]
            return rows if rng.random() < 0.5 else rows[::-1]
        return [(READ, row) for row in nodes.draw(rng, int(rng.integers(reads[0], reads[1] + 1)))]

    return transaction


def auction(items: int, theta: float) -> Draw:
    """Bids, purchases and new comments on items that are hot because they close soon; after RUBiS."""
    closing = Zipf(items, theta)

    def transaction(rng: np.random.Generator) -> list[Access]:
        one, two = closing.draw(rng, 2)
        seller, item = ("user", one % 7), ("item", one)
        procedures: list[list[Access]] = [
            [(READ, private(rng)), (READ, item), (READ, ("bids", one)), (WRITE, ("bids", one)), (WRITE, item)],
            [(READ, item), (READ, seller), (WRITE, item), (WRITE, private(rng)), (WRITE, seller)],
            [(READ, seller), (WRITE, ("comments", one % 7)), (WRITE, seller)],
            [(READ, item), (READ, ("bids", one)), (READ, ("item", two)), (READ, ("bids", two)), (READ, seller)],
        ]
        return procedures[int(rng.choice(4, p=[0.45, 0.15, 0.15, 0.25]))]

    return transaction


def both(row: Hashable) -> list[Access]:
    """A row is read, then written."""
    return [(READ, row), (WRITE, row)]


def private(rng: np.random.Generator) -> Hashable:
    """A row that no other transaction accesses."""
    return "private", int(rng.integers(2**62))
