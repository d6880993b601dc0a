"""From a request and the sources it names to a child that is new, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evolve.blocks import BlockError
from evolve.genetic.constants import perturb_constant
from evolve.genetic.program import Program, parse_program
from evolve.novelty import tree_digest
from evolve.request import MutationRequest

MAX_TRIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneticChild:
    """A program made from others, valid Python and not known yet."""

    source: str
    operator: str  # name in the table of operators; several are joined by "+"
    change: str  # one line for people
    ast_digest: str


@dataclass(frozen=True, slots=True)
class NoChild:
    """Nothing new was found within the tries."""

    reason: str


def propose(
    request: MutationRequest,  # noqa: ARG001
    parent_source: str,
    donor_sources: Sequence[str],
    rng: np.random.Generator,
    is_known: Callable[[str], bool],
) -> GeneticChild | NoChild:
    """A child of `parent_source`; a pure function of its arguments.

    Args:
        donor_sources: Those of `request.inspirations`, in their order.
        is_known: Whether a program with this `ast_digest` was tried before.
    """
    try:
        parent = parse_program(parent_source)
        donors = [parse_program(source) for source in donor_sources]
    except (SyntaxError, BlockError) as error:
        return NoChild(f"a source cannot be read: {error}")
    if not parent.sites:
        return NoChild("the parent has nothing inside EVOLVE-BLOCK markers")
    for _ in range(MAX_TRIES):
        child = _try_once(parent, donors, rng)
        if child is not None and not is_known(child.ast_digest):
            return child
    return NoChild(f"{MAX_TRIES} tries gave nothing new")


def _try_once(parent: Program, donors: Sequence[Program], rng: np.random.Generator) -> GeneticChild | None:
    change = perturb_constant(parent, donors, rng)
    if change is None:
        return None
    source = parent.apply(change.edits)
    digest = tree_digest(parse_program(source).tree)
    return GeneticChild(source=source, operator="perturb_constant", change=change.summary, ast_digest=digest)
