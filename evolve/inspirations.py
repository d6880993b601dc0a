"""Which programs, beside the parent, a proposer gets to see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evolve.islands import Elite
from evolve.request import Member
from evolve.sampling import draw_index


def choose_donor(population: Sequence[Elite], parent: Member, rng: np.random.Generator) -> Member | None:
    """A mate for `parent`: drawn in proportion to what it wins on the instances that the parent loses.

    Where nobody wins anything all are alike; None if the parent is alone.
    """
    others = _without(population, {parent.candidate_id})
    if not others:
        return None
    gains = np.array([gain_over(other, parent) for other in others])
    return others[draw_index(gains if gains.any() else np.ones(len(others)), rng)]


def choose_inspirations(
    population: Sequence[Elite], parent: Member, chosen: Sequence[Member], limit: int, rng: np.random.Generator
) -> tuple[Member, ...]:
    """At most `limit` members: those already `chosen`, the best, the most complementary, then any; never the parent."""
    picked = list(chosen)
    rules = (_best, _most_complementary)
    for place in range(len(picked), limit):
        others = _without(population, {parent.candidate_id, *(member.candidate_id for member in picked)})
        if not others:
            break
        rule_index = place - len(chosen)
        picked.append(rules[rule_index](others, parent) if rule_index < len(rules) else _any_of(others, rng))
    return tuple(picked)


def gain_over(member: Member, parent: Member) -> float:
    """What `member` wins over `parent` on the instances where it is better; 0 if it never is.

    Scores are compared by place as far as both have them: an attempt and its parent saw the same instances.
    """
    pairs = zip(member.instance_scores, parent.instance_scores, strict=False)
    return sum(max(0.0, own - parents) for own, parents in pairs)


def _best(others: Sequence[Member], parent: Member) -> Member:  # noqa: ARG001 -- one shape for every rule
    return others[0]


def _most_complementary(others: Sequence[Member], parent: Member) -> Member:
    return max(others, key=lambda other: gain_over(other, parent))


def _any_of(others: Sequence[Member], rng: np.random.Generator) -> Member:
    return others[int(rng.integers(len(others)))]


def _without(population: Sequence[Elite], excluded: set[str]) -> list[Member]:
    return [elite.member for elite in population if elite.member.candidate_id not in excluded]
