"""What the search asks for and is told: plain values, keyed by attempt index."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evolve.errors import EvolveError


class SearchError(EvolveError, ValueError):
    """The search was set up, asked or told in a way that has no meaning."""


class Operator(StrEnum):
    """What a proposer is asked to do with the parent."""

    MUTATE = "mutate"
    CROSSOVER = "crossover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A scored program as the search sees it; its source stays in the archive."""

    candidate_id: str
    score: float  # the objective on the search split, higher is better
    instance_scores: tuple[float, ...]  # counted scores in instance order, for paired and complementary choices
    attempt_index: int | None  # None for a founder
    parent_id: str | None

    @property
    def is_founder(self) -> bool:
        """Whether the run started with it."""
        return self.attempt_index is None


@dataclass(frozen=True, slots=True, kw_only=True)
class MutationRequest:
    """One ask."""

    index: int
    island: int
    operator: Operator
    parent: Member
    inspirations: tuple[Member, ...]  # donors of a crossover come first; never the parent
    num_tells: int  # tells this ask had seen: with the generator of `index` they determine the whole request


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How an attempt ended."""

    index: int
    island: int  # as asked
    parent_id: str  # as asked
    member: Member | None  # None: rejected before evaluation, or failed
