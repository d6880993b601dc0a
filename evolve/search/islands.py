"""Islands: small populations that evolve apart and now and then exchange their best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evolve.search.request import Member


@dataclass(frozen=True, slots=True)
class Elite:
    """A member that is kept, with how often it was a parent here."""

    member: Member
    num_children: int = 0


Pool = Callable[[Sequence[Elite]], Sequence[Elite]]  # some of a population that is sorted best first, in its order


def nobody(population: Sequence[Elite]) -> Sequence[Elite]:  # noqa: ARG001 -- a Pool
    """The empty pool."""
    return ()


class Island:
    """The founders and at most `capacity` children, best first; of equal scores the newest first, so the search drifts.

    Children that score alike on every instance are taken for one behaviour and share `max_twins` places: otherwise the
    harmless variations of one program would fill the island. Those in the pool `spared` are forgotten last.
    """

    def __init__(self, capacity: int, max_twins: int, spared: Pool = nobody) -> None:
        self.capacity = capacity
        self.max_twins = max_twins
        self.spared = spared
        self._elites: list[Elite] = []

    @property
    def elites(self) -> Sequence[Elite]:
        """The population, best first."""
        return self._elites

    @property
    def best(self) -> Member:
        """The first of the elites; an island is never empty once it has its founders."""
        return self._elites[0].member

    def add(self, member: Member) -> None:
        """Keep `member` if it is new here and good enough; beyond `capacity` the weakest child not spared is forgotten.

        Where all are spared, that is the weakest.
        """
        if self.find(member.candidate_id) is not None:
            return
        num_children = self._displace_twin(member)
        place = sum(elite.member.score > member.score for elite in self._elites)
        self._elites.insert(place, Elite(member, num_children))
        children = self._children_places()
        if len(children) > self.capacity:
            spared = {elite.member.candidate_id for elite in self.spared(self._elites)}
            others = [place for place in children if self._elites[place].member.candidate_id not in spared]
            del self._elites[(others or children)[-1]]

    def count_child(self, parent_id: str) -> None:
        """Note that a child of `parent_id` was tried; parents no longer kept need no count."""
        place = self.find(parent_id)
        if place is not None:
            elite = self._elites[place]
            self._elites[place] = replace(elite, num_children=elite.num_children + 1)

    def restart(self, members: Sequence[Member]) -> None:
        """Forget everything and begin with `members`."""
        self._elites.clear()
        for member in members:
            self.add(member)

    def find(self, candidate_id: str) -> int | None:
        """The place of a candidate among the elites."""
        for place, elite in enumerate(self._elites):
            if elite.member.candidate_id == candidate_id:
                return place
        return None

    def _displace_twin(self, member: Member) -> int:
        """Drop the oldest twin if their places are full; the newcomer inherits its count of children."""
        twins = [place for place in self._children_places() if _are_twins(self._elites[place].member, member)]
        if len(twins) < self.max_twins:
            return 0
        return self._elites.pop(twins[-1]).num_children

    def _children_places(self) -> list[int]:
        return [place for place, elite in enumerate(self._elites) if not elite.member.is_founder]


def migrate(islands: Sequence[Island]) -> None:
    """Copy the best of each island to the next one around the ring, all as they were before."""
    travellers = [island.best for island in islands]
    for island, traveller in zip(islands, travellers[-1:] + travellers[:-1], strict=True):
        island.add(traveller)


def restart_weaker_half(islands: Sequence[Island], founders: Sequence[Member]) -> None:
    """The weaker half begins again from the founders and the best of a surviving island; ties keep the lower island."""
    strongest_first = sorted(range(len(islands)), key=lambda place: (-islands[place].best.score, place))
    num_survivors = len(islands) - len(islands) // 2
    for rank, place in enumerate(strongest_first[num_survivors:]):
        survivor = islands[strongest_first[rank % num_survivors]]
        islands[place].restart([*founders, survivor.best])


def most_different(best: Member, islands: Sequence[Island]) -> Member:
    """The elite whose scores differ most from those of `best`, summed over the instances; ties go to the better.

    Only the better half of all elites is looked at, for a program that fails everywhere differs most of all; `best`
    itself where nobody else is in it.
    """
    members = {elite.member.candidate_id: elite.member for island in islands for elite in island.elites}
    ranked = sorted(members.values(), key=lambda member: -member.score)
    return max(ranked[: (len(ranked) + 1) // 2], key=lambda member: _distance(member, best))


def _distance(one: Member, other: Member) -> float:
    return sum(abs(a - b) for a, b in zip(one.instance_scores, other.instance_scores, strict=False))


def _are_twins(one: Member, other: Member) -> bool:
    return one.score == other.score and one.instance_scores == other.instance_scores
