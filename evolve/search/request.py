"""What the search asks for and is told: plain values, keyed by attempt index."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evolve.errors import EvolveError


class SearchError(EvolveError, ValueError):
    """The search was set up, asked or told in a way that has no meaning."""


class Operator(StrEnum):
    """What a proposer is asked to do with the parent."""

    MUTATE = "mutate"  # genetic proposers
    CROSSOVER = "crossover"
    DIFF = "diff"  # models, from here on: edits of the parent
    FULL = "full"  # its evolvable parts written anew
    REPAIR = "repair"  # make the last failed child of the parent work
    SIMPLIFY = "simplify"  # the same score with less code


def asked_operator(label: str) -> str:
    """The operator in the label of an attempt, which may name further things behind plus signs."""
    return label.partition("+")[0]


@dataclass(frozen=True, slots=True)
class Arm:
    """What the bandit chooses between."""

    model: str
    operator: Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A scored program as the search sees it; its source stays in the archive."""

    candidate_id: str
    score: float  # the objective on the search split, higher is better
    instance_scores: tuple[float, ...]  # counted scores in instance order, for paired and complementary choices
    attempt_index: int | None  # None for a founder
    parent_id: str | None
    cell: tuple[int, ...] = ()  # of the grid over the task's descriptors; empty where it has none or one is not known
    objectives: tuple[float, ...] = ()  # the task's trade-offs, higher is better in each; empty likewise

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
    model: str = ""  # who is to answer; empty for proposers without models

    @property
    def arm(self) -> Arm | None:
        """What the bandit chose, if it did."""
        return Arm(self.model, self.operator) if self.model else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How an attempt ended."""

    index: int
    island: int  # as asked
    parent_id: str  # as asked
    member: Member | None  # None: rejected before evaluation, or failed
    arm: Arm | None = None  # as asked
    parent_score: float = 0.0  # of the parent when it was asked for
    cost_usd: float = 0.0  # of the calls this attempt made
    repairable: bool = False  # it failed with a program that a model may be shown again
    cut_short: bool = False  # it ran, but the harness ended it before it had a score: worse than its parent
    lost: bool = False  # the infrastructure failed, so nothing is known of the program: nothing is learned of it
