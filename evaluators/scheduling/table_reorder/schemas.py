"""Tables drawn from schemas: which columns there are, what follows from what, and how long the texts are.

The schemas have the shapes of tables that language models are asked about (reviews joined with what they are about,
products, passages with questions, logs), told from memory and without their texts.

Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.table_reorder.table import Column, Ints, Table, make_table

Draw = Callable[[int, np.random.Generator], Table]
NAME = 3  # tokens of a field's name, of the colon and of what separates cells


@dataclass(frozen=True, slots=True)
class Field:
    """One column: so many different values, and texts from the shortest to the longest."""

    values: float  # 1 or more: at most so many; below 1: so many per entity that has it; 0: one for each
    shortest: int  # tokens
    longest: int
    skew: float = 0.0  # Zipf exponent of how often values occur


def column(field: Field, count: int, rng: np.random.Generator) -> Column:
    """The values of `count` entities."""
    values = count if field.values == 0 else max(1, round(field.values * (count if field.values < 1 else 1)))
    values_N = np.arange(count) if field.values == 0 else picked(count, values, field.skew, rng)
    tokens = np.exp(rng.uniform(np.log(field.shortest), np.log(field.longest + 1), values)).astype(np.int64)
    return values_N, NAME + tokens[values_N]


def picked(count: int, values: int, skew: float, rng: np.random.Generator) -> Ints:
    """``(count,)`` values from 0, the first ones more often by a Zipf law."""
    weights = np.arange(1, values + 1) ** -skew
    return np.asarray(rng.choice(values, count, p=weights / weights.sum()), dtype=np.int64)


def of(entity: Sequence[Column], keys_N: Ints) -> list[Column]:
    """What follows from a key: the columns of an entity, a row for each time that it is named."""
    return [(values[keys_N], lengths[keys_N]) for values, lengths in entity]


def entities(fields: Sequence[Field], count: int, rng: np.random.Generator) -> list[Column]:
    """Columns of `count` entities."""
    return [column(field, count, rng) for field in fields]


def joined(parents: Sequence[tuple[float, float, Sequence[Field]]], own: Sequence[Field], runs: bool) -> Draw:
    """Rows that each name one of every parent table, joined with it: the parents' cells are repeated.

    Args:
        parents: For each parent table: entities per row, Zipf exponent of how often they are named, columns.
        own: Columns of the rows themselves.
        runs: Whether the rows come sorted by the first parent, or as they happen to lie.
    """

    def draw(size: int, rng: np.random.Generator) -> Table:
        columns = entities(own, size, rng)
        first_N: Ints = np.arange(size)
        for place, (share, skew, fields) in enumerate(parents):
            count = max(1, round(share * size))
            keys_N = picked(size, count, skew, rng)
            first_N = keys_N if place == 0 else first_N
            columns += of(entities(fields, count, rng), keys_N)
        return laid_out(columns, np.argsort(first_N, kind="stable") if runs else np.arange(size), rng)

    return draw


def nested(levels: Sequence[tuple[int, Sequence[Field]]], own: Sequence[Field], skew: float) -> Draw:
    """A hierarchy: each entity of a level belongs to one of the level above; a row names one of the lowest.

    Args:
        levels: From the highest: entities, and columns.
        own: Columns of the rows themselves.
        skew: Zipf exponent of how often entities of the lowest level are named.
    """

    def draw(size: int, rng: np.random.Generator) -> Table:
        columns = entities(own, size, rng)
        keys_N = picked(size, levels[-1][0], skew, rng)
        for place in range(len(levels) - 1, -1, -1):
            count, fields = levels[place]
            columns += of(entities(fields, count, rng), keys_N)
            if place:
                keys_N = rng.integers(levels[place - 1][0], size=count)[keys_N]
        return laid_out(columns, np.arange(size), rng)

    return draw


def typed(types: int, shared: Sequence[Field], of_a_type: Sequence[Field], used: tuple[int, int], skew: float) -> Draw:
    """Rows of several types, as in a log: each type has a template, and fills some of the columns; the rest is empty.

    Args:
        types: How many, named by the first column; each has a template of 30 to 120 tokens.
        shared: Columns that every row fills.
        of_a_type: Columns of which each type fills some.
        used: Least and most of these that a type fills.
        skew: Zipf exponent of how often types occur.
    """

    def draw(size: int, rng: np.random.Generator) -> Table:
        types_N = picked(size, types, skew, rng)
        columns = entities(shared, size, rng) + of(entities([Field(0, 2, 5), Field(0, 30, 120)], types, rng), types_N)
        fills = np.zeros((types, len(of_a_type)), dtype=np.bool_)
        for row in fills:
            row[rng.choice(len(of_a_type), int(rng.integers(used[0], used[1] + 1)), replace=False)] = True
        for place, field in enumerate(of_a_type):
            values_N, lengths_N = column(field, size, rng)
            filled_N = fills[types_N, place]
            columns.append((np.where(filled_N, values_N + 1, 0), np.where(filled_N, lengths_N, NAME + 1)))
        return laid_out(columns, np.arange(size), rng)

    return draw


def coded(classes: int, codes: Sequence[Field], loyal: float, own: Sequence[Field]) -> Draw:
    """A wide table of codes: each row belongs to an unseen class, and mostly has the class's usual code.

    Args:
        classes: How many.
        codes: Columns of codes.
        loyal: Share of the cells that hold the class's usual code.
        own: Further columns.
    """

    def draw(size: int, rng: np.random.Generator) -> Table:
        classes_N = picked(size, classes, 0.5, rng)
        columns = entities(own, size, rng)
        for field in codes:
            values_N, lengths_N = column(field, size, rng)
            usual = rng.integers(size, size=classes)[classes_N]  # some row's code
            shown_N = np.where(rng.random(size) < loyal, usual, np.arange(size))
            columns.append((values_N[shown_N], lengths_N[shown_N]))
        return laid_out(columns, np.arange(size), rng)

    return draw


def retrieved(documents: float, topics: float, fields: int, tokens: tuple[int, int], own: Sequence[Field]) -> Draw:
    """Questions with passages that were retrieved for them: each of a topic, whose documents are found again and again.

    Args:
        documents: Per row.
        topics: Per row.
        fields: Columns of passages, of different documents.
        tokens: Of the shortest and the longest passage.
        own: Further columns.
    """

    def draw(size: int, rng: np.random.Generator) -> Table:
        total, groups = max(fields, round(documents * size)), max(1, round(topics * size))
        passages = column(Field(0, *tokens), total, rng)
        found = np.stack([rng.choice(total, min(total, 2 * fields), replace=False) for _ in range(groups)])
        topics_N = picked(size, groups, 0.8, rng)
        weights = np.arange(1, found.shape[1] + 1) ** -1.5
        ranks = np.log(weights) - np.log(rng.exponential(size=(size, found.shape[1])))
        chosen = np.take_along_axis(found[topics_N], np.argsort(-ranks, axis=1)[:, :fields], axis=1)
        columns = entities(own, size, rng)
        for place in range(fields):
            columns += of([passages], chosen[:, place])
        return laid_out(columns, np.arange(size), rng)

    return draw


def laid_out(columns: Sequence[Column], rows_N: Ints, rng: np.random.Generator) -> Table:
    """The table with its rows in this order, its columns in a random one, and values numbered at random."""
    shuffled = [columns[place] for place in rng.permutation(len(columns))]
    return make_table([(values[rows_N], lengths[rows_N]) for values, lengths in shuffled], rng)
