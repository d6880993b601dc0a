"""What an operator can make of a small program, over many generators."""

from __future__ import annotations

import numpy as np

from evolve.blocks import find_blocks
from evolve.genetic.operators import Crossover, Mutation
from evolve.genetic.program import Change, Program, parse_program
from tests.evolve.programs import in_block


def bodies_after(mutation: Mutation, body: str, draws: int = 150) -> set[str]:
    """The bodies that `mutation` makes of a program whose one block holds `body`."""
    program = parse_program(in_block(body))
    changes = [mutation(program, np.random.default_rng(seed)) for seed in range(draws)]
    return {_body(program, change) for change in changes if change is not None}


def bodies_after_crossing(crossover: Crossover, body: str, donor_body: str, draws: int = 100) -> set[str]:
    """The same for a crossover, where the donor's one block holds `donor_body`."""
    program, donor = parse_program(in_block(body)), parse_program(in_block(donor_body))
    changes = [crossover(program, donor, np.random.default_rng(seed)) for seed in range(draws)]
    return {_body(program, change) for change in changes if change is not None}


def _body(program: Program, change: Change) -> str:
    child = program.apply(change.edits)
    parse_program(child)
    (block,) = find_blocks(child)
    return block.body(child)
