"""From a request and the sources it names to a child that is new, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from evolve.blocks import BlockError, outside_blocks
from evolve.genetic.chance import pick, pick_weighted
from evolve.genetic.operators import CROSSOVERS, MUTATIONS, MutationTable
from evolve.genetic.program import Change, Program, known_donor, known_program, parse_program
from evolve.search.request import MutationRequest, Operator

MAX_TRIES = 12
CROSSING_TRIES = 6  # of them; donors too alike or too different then give way to a mutation
MAX_STEPS = 5
ANOTHER_STEP = 0.35  # probability, after each step, that another one follows
MAX_BYTES = 32_768  # a longer parent may only shrink
MAX_LINE = 200  # characters, or the parent's longest line: nobody reads a longer one

Function = TypeVar("Function")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneticChild:
    """A program made from others: valid Python, every name defined, and not known yet."""

    source: str
    operator: str  # name in a table of `evolve.genetic.operators`; those of several steps are joined by "+"
    change: str  # one line for people
    ast_digest: str


@dataclass(frozen=True, slots=True)
class NoChild:
    """Nothing new was found within the tries."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """A program under way."""

    program: Program
    operators: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def after(self, name: str, change: Change) -> _Draft | None:
        """The draft with one more change; None if the result is not a program any more."""
        source = self.program.apply(change.edits)
        try:
            program = parse_program(source)
        except (SyntaxError, BlockError):
            return None
        return _Draft(program, (*self.operators, name), (*self.changes, change.summary))


def propose(
    request: MutationRequest,
    parent_source: str,
    donor_sources: Sequence[str],
    rng: np.random.Generator,
    is_known: Callable[[str], bool],
    mutations: MutationTable = MUTATIONS,
) -> GeneticChild | NoChild:
    """A child of `parent_source`; a pure function of its arguments.

    Args:
        donor_sources: Those of `request.inspirations`, in their order; used if a crossover is asked for.
        is_known: Whether a program with this `ast_digest` was tried before.
        mutations: The operators with how often each is drawn.
    """
    try:
        parent = known_program(parent_source)
        donors = [known_donor(source) for source in donor_sources]
        if not parent.sites:
            return NoChild("the parent has nothing inside EVOLVE-BLOCK markers")
        crossed = donors if request.operator is Operator.CROSSOVER else []
        return _new_child(parent, crossed, rng, is_known, mutations)
    except (SyntaxError, BlockError, UnicodeEncodeError) as error:
        return NoChild(f"a source cannot be read: {error}")
    except RecursionError:  # found at the first walk over a tree, parent or child
        return NoChild("a source is nested too deeply")


def _new_child(
    parent: Program,
    donors: Sequence[Program],
    rng: np.random.Generator,
    is_known: Callable[[str], bool],
    mutations: MutationTable,
) -> GeneticChild | NoChild:
    for attempt in range(MAX_TRIES):
        draft = _draft(parent, donors if attempt < CROSSING_TRIES else [], rng, mutations)
        if draft is None or not _is_sound(parent, draft.program):
            continue
        digest = draft.program.digest
        if digest != parent.digest and not is_known(digest):
            return GeneticChild(
                source=draft.program.source,
                operator="+".join(draft.operators),
                change="; ".join(draft.changes),
                ast_digest=digest,
            )
    return NoChild(f"{MAX_TRIES} tries gave nothing that is new and sound")


def _draft(
    parent: Program, donors: Sequence[Program], rng: np.random.Generator, mutations: MutationTable
) -> _Draft | None:
    """The parent after a crossover if there are donors, else a mutation, and after a geometric number of mutations."""
    draft = _crossed(parent, donors, rng) if donors else _mutated(_Draft(parent), rng, mutations)
    for _ in range(MAX_STEPS - 1):
        if draft is None or rng.random() >= ANOTHER_STEP:
            break
        draft = _mutated(draft, rng, mutations)
    return draft


def _crossed(parent: Program, donors: Sequence[Program], rng: np.random.Generator) -> _Draft | None:
    donor = donors[0] if rng.random() < 0.7 else pick(donors, rng)
    for name, crossover in _in_random_order(CROSSOVERS, rng):
        change = crossover(parent, donor, rng)
        if change is not None:
            return _Draft(parent).after(name, change)
    return None


def _mutated(draft: _Draft, rng: np.random.Generator, mutations: MutationTable) -> _Draft | None:
    for name, mutation in _in_random_order(mutations, rng):
        change = mutation(draft.program, rng)
        if change is not None:
            return draft.after(name, change)
    return None


def _in_random_order(
    table: Mapping[str, tuple[Function, float]], rng: np.random.Generator
) -> Iterator[tuple[str, Function]]:
    """The operators of a table, each drawn by its weight among those left."""
    left = dict(table)
    while left:
        name = pick_weighted(list(left), [weight for _, weight in left.values()], rng)
        yield name, left.pop(name)[0]


def _is_sound(parent: Program, child: Program) -> bool:
    """Whether the child can be read, keeps what is outside the blocks and all definitions, and lacks no name."""
    return (
        _is_readable(parent, child)
        and outside_blocks(parent.source) == outside_blocks(child.source)
        and parent.scopes.module_names <= child.scopes.module_names
        and child.scopes.undefined <= parent.scopes.undefined
        and all(part.compiles for part in child.parts)
    )


def _is_readable(parent: Program, child: Program) -> bool:
    longest = max(MAX_LINE, *map(len, parent.source.splitlines()))
    fits = len(child.data) <= max(MAX_BYTES, len(parent.data))
    return fits and all(len(line) <= longest for line in child.source.splitlines())
