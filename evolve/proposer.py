"""Who writes the next program: one Protocol, and the proposers that need no model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from evolve.errors import ConfigError
from evolve.genetic import NoChild, propose
from evolve.genetic.operators import MUTATIONS, MutationTable
from evolve.novelty.known import NoveltyIndex
from evolve.search.request import MutationRequest, Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a proposer made of a request."""

    source: str | None  # None: no program; `change` says why
    operator: str
    change: str  # one line
    ast_digest: str = ""  # empty where it was not worked out
    rejection: str = ""  # why the program is not worth an evaluation; it is kept all the same


class Proposer(Protocol):
    """Turns requests into programs."""

    @property
    def name(self) -> str:
        """As stored with each attempt."""

    @property
    def concurrent(self) -> bool:
        """Whether proposals may be made side by side; not one that reads what is known, which depends on the order."""

    @property
    def exhausted(self) -> str:
        """Why no more should be asked of it, in words for the summary; empty while it can go on."""

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        """A program for `request`; `sources` holds the parent and the inspirations by candidate id."""


class GeneticProposer:
    """The embedded default: typed mutation and crossover of syntax trees, no model, no key, milliseconds."""

    name = "genetic"
    concurrent = False
    exhausted = ""

    def __init__(
        self, novelty: NoveltyIndex, extra_donors: Sequence[str] = (), mutation_table: MutationTable = MUTATIONS
    ) -> None:
        """`extra_donors` are sources beyond the run's own programs (``--donors baselines``)."""
        self._novelty = novelty
        self._mutations = mutation_table
        self._extra_donors = extra_donors

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        """A child that is not known yet, or the reason why there is none."""
        donors = [sources[member.candidate_id] for member in request.inspirations]
        if request.operator is Operator.CROSSOVER and self._extra_donors:
            donors.insert(0, self._extra_donors[int(rng.integers(len(self._extra_donors)))])
        parent = sources[request.parent.candidate_id]
        child = propose(request, parent, donors, rng, self._novelty.knows, self._mutations)
        if isinstance(child, NoChild):
            return Proposal(source=None, operator=request.operator, change=child.reason)
        return Proposal(source=child.source, operator=child.operator, change=child.change, ast_digest=child.ast_digest)


class RecordedProposer:
    """Replays programs from a JSON-lines file, one ``{"source": ...}`` per attempt; for tests and overhead figures."""

    name = "recorded"
    concurrent = True
    exhausted = ""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources

    @classmethod
    def read(cls, path: Path) -> RecordedProposer:
        """The proposer that plays `path`.

        Raises:
            ConfigError: The file cannot be read, or a line is not such an object.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return cls([str(json.loads(line)["source"]) for line in lines if line.strip()])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'{path}: expected lines of {{"source": "..."}}: {error}') from error

    async def propose(self, request: MutationRequest, sources: Mapping[str, str], rng: np.random.Generator) -> Proposal:
        """The recorded program of this attempt's index."""
        del sources, rng
        if request.index >= len(self._sources):
            return Proposal(source=None, operator="recorded", change="the recording has ended")
        return Proposal(source=self._sources[request.index], operator="recorded", change="recorded")
