"""Which programs, beside the parent, a proposer gets to see: each choice is a small frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evolve.search.islands import Elite
from evolve.search.request import Member
from evolve.search.sampling import draw_index


class InspirationChooser(Protocol):
    """Chooses whom a proposer sees beside the parent."""

    def donor(self, others: Sequence[Member], parent: Member, rng: np.random.Generator) -> Member:
        """A mate for `parent`: one of `others`, which are never empty and sorted best first."""

    def next_one(self, place: int, others: Sequence[Member], parent: Member, rng: np.random.Generator) -> Member:
        """Whom to show at this place, counted from 0 behind the donor: one of `others`, which are as above."""


@dataclass(frozen=True, slots=True)
class ComplementaryInspirations:
    """Those that are good where the parent is not."""

    def donor(self, others: Sequence[Member], parent: Member, rng: np.random.Generator) -> Member:
        """Drawn in proportion to what it wins on the instances that the parent loses; all alike if nobody wins any."""
        gains = np.array([gain_over(other, parent) for other in others])
        return others[draw_index(gains if gains.any() else np.ones(len(others)), rng)]

    def next_one(self, place: int, others: Sequence[Member], parent: Member, rng: np.random.Generator) -> Member:
        """The best, then the most complementary, then any."""
        if place == 0:
            return others[0]
        if place == 1:
            return max(others, key=lambda other: gain_over(other, parent))
        return _any_of(others, rng)


@dataclass(frozen=True, slots=True)
class UniformInspirations:
    """Any member, whatever its score: what the choice above is measured against."""

    def donor(self, others: Sequence[Member], parent: Member, rng: np.random.Generator) -> Member:  # noqa: ARG002 -- one shape for every choice
        """One of `others`, all alike."""
        return _any_of(others, rng)

    def next_one(self, place: int, others: Sequence[Member], parent: Member, rng: np.random.Generator) -> Member:  # noqa: ARG002
        """One of `others`, all alike."""
        return _any_of(others, rng)


INSPIRATIONS: Mapping[str, InspirationChooser] = {
    "complementary": ComplementaryInspirations(),
    "uniform": UniformInspirations(),
}


def choose_donor(
    chooser: InspirationChooser, population: Sequence[Elite], parent: Member, rng: np.random.Generator
) -> Member | None:
    """A mate for `parent` from `population`; None if the parent is alone."""
    others = _without(population, {parent.candidate_id})
    return chooser.donor(others, parent, rng) if others else None


def choose_inspirations(
    chooser: InspirationChooser,
    population: Sequence[Elite],
    parent: Member,
    chosen: Sequence[Member],
    limit: int,
    rng: np.random.Generator,
) -> tuple[Member, ...]:
    """At most `limit` members: those already `chosen`, then as `chooser` says; never the parent."""
    picked = list(chosen)
    for place in range(limit - len(chosen)):
        others = _without(population, {parent.candidate_id, *(member.candidate_id for member in picked)})
        if not others:
            break
        picked.append(chooser.next_one(place, others, parent, rng))
    return tuple(picked)


def gain_over(member: Member, parent: Member) -> float:
    """What `member` wins over `parent` on the instances where it is better; 0 if it never is.

    Scores are compared by place as far as both have them: an attempt and its parent saw the same instances.
    """
    pairs = zip(member.instance_scores, parent.instance_scores, strict=False)
    return sum(max(0.0, own - parents) for own, parents in pairs)


def _any_of(others: Sequence[Member], rng: np.random.Generator) -> Member:
    return others[int(rng.integers(len(others)))]


def _without(population: Sequence[Elite], excluded: set[str]) -> list[Member]:
    return [elite.member for elite in population if elite.member.candidate_id not in excluded]
