"""The tables of operators: name -> function and how often it is drawn, relative to the others of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from evolve.genetic.calls import exchange_call
from evolve.genetic.conditions import change_condition, swap_comparison
from evolve.genetic.constants import perturb_constant
from evolve.genetic.crossover import blend_constants, take_definitions, take_expression, take_function, take_statement
from evolve.genetic.expressions import (
    blend_values,
    exchange_name,
    flip_flag,
    swap_operator,
    toggle_sign,
    unwrap_value,
    wrap_value,
)
from evolve.genetic.program import Change, Program
from evolve.genetic.statements import (
    copy_statement,
    delete_statement,
    free_statement,
    guard_statement,
    repeat_statement,
    swap_statements,
)
from evolve.genetic.transplant import copy_expression

Mutation = Callable[[Program, np.random.Generator], Change | None]
Crossover = Callable[[Program, Program, np.random.Generator], Change | None]

MutationTable = Mapping[str, tuple[Mutation, float]]

MUTATIONS: MutationTable = {
    "perturb_constant": (perturb_constant, 45.0),
    "exchange_name": (exchange_name, 6.0),
    "wrap_value": (wrap_value, 10.0),
    "exchange_call": (exchange_call, 5.0),
    "swap_operator": (swap_operator, 5.0),
    "blend_values": (blend_values, 4.0),
    "copy_expression": (copy_expression, 4.0),
    "change_condition": (change_condition, 3.0),
    "unwrap_value": (unwrap_value, 3.0),
    "copy_statement": (copy_statement, 3.0),
    "swap_comparison": (swap_comparison, 2.0),
    "toggle_sign": (toggle_sign, 1.5),
    "delete_statement": (delete_statement, 1.5),
    "guard_statement": (guard_statement, 1.5),
    "free_statement": (free_statement, 1.0),
    "flip_flag": (flip_flag, 1.0),
    "swap_statements": (swap_statements, 1.0),
    "repeat_statement": (repeat_statement, 0.5),
}

NUMBERS = "perturb_constant"


@lru_cache(maxsize=8)
def mutations(number_share: float) -> MutationTable:
    """The table in which `NUMBERS` has this share of the draws and the others share the rest as in `MUTATIONS`."""
    others = {name: row for name, row in MUTATIONS.items() if name != NUMBERS}
    if number_share >= 1.0:
        return {NUMBERS: MUTATIONS[NUMBERS], **{name: (mutation, 0.0) for name, (mutation, _) in others.items()}}
    total = sum(weight for _, weight in others.values())
    return {NUMBERS: (perturb_constant, total * number_share / (1.0 - number_share)), **others}


CROSSOVERS: Mapping[str, tuple[Crossover, float]] = {
    "blend_constants": (blend_constants, 5.0),
    "take_definitions": (take_definitions, 3.0),
    "take_function": (take_function, 2.0),
    "take_expression": (take_expression, 2.0),
    "take_statement": (take_statement, 1.0),
}
