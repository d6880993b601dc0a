"""The search: what to try next, given how everything so far ended. Pure: no clock, no I/O, randomness is an argument.

The state is a fold over the tells in their order, the asks that wait for theirs, and what a person marked. An ask reads
it, and only reserves its index. That is why a run resumes to where it was from the attempts alone (`Search.replay`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from evolve.search.bandit import Bandit
from evolve.search.config import SearchConfig as SearchConfig  # part of this module's face
from evolve.search.failures import RecentFailures
from evolve.search.inspirations import choose_donor, choose_inspirations
from evolve.search.islands import Elite, Island, migrate, most_different, restart_weaker_half
from evolve.search.request import Arm, Member, MutationRequest, Operator, SearchError, Told

PINNED_SHARE = 0.25  # of the asks, while a person has pinned something


class Search:
    """Ask for what to try, tell how it ended; several asks may be outstanding.

    Memory and the time of both calls depend on the number of elites and of outstanding asks, not on the attempts made.
    """

    def __init__(self, config: SearchConfig, founders: Sequence[Member]) -> None:
        if not founders:
            raise SearchError("a search needs at least one scored founder: evaluate the initial program first")
        for founder in founders:
            _require_finite(founder)
        self.config = config
        self._founders = tuple(founders)
        self._islands = [_island(config, self._founders) for _ in range(config.num_islands)]
        self._bandit = Bandit(config.bandit, config.arms, config.price_weight) if config.arms else None
        self._failures = RecentFailures()
        self._pinned: tuple[Member, ...] = ()
        self._banned: frozenset[str] = frozenset()
        self._outstanding: dict[int, Arm | None] = {}
        self._next_index = 0
        self._num_tells = 0
        self._best = max(self._founders, key=lambda founder: founder.score)
        self._last_improvement = 0
        self._last_new_island = 0

    @classmethod
    def replay(
        cls,
        config: SearchConfig,
        founders: Sequence[Member],
        tolds: Iterable[Told],
        outstanding: Mapping[int, Arm | None],
    ) -> Search:
        """The search as it was after `tolds`, told in this order, with `outstanding` asks not yet answered.

        Args:
            tolds: Every attempt that ended, by `tell_order`.
            outstanding: Attempt index -> what its request's `arm` was.

        Raises:
            SearchError: An index is told twice, told and outstanding, or missing between others.
        """
        search = cls(config, founders)
        told_indices: set[int] = set()
        for told in tolds:
            search._require_index(told.index not in told_indices and told.index not in outstanding, told.index)
            told_indices.add(told.index)
            search._fold(told)
        search._outstanding.update(outstanding)
        search._next_index = _next_after(told_indices | set(outstanding))
        return search

    @property
    def best(self) -> Member:
        """The highest score so far, the first to reach it; a founder until a child is better."""
        return self._best

    @property
    def num_tells(self) -> int:
        """Attempts that have ended."""
        return self._num_tells

    @property
    def tells_since_improvement(self) -> int:
        """Attempts that have ended since `best` changed; for a patience budget."""
        return self._num_tells - self._last_improvement

    @property
    def next_index(self) -> int:
        """The index the next ask will get."""
        return self._next_index

    @property
    def outstanding(self) -> Mapping[int, Arm | None]:
        """What was asked and not yet told, by index, with the arm it was asked of: a read-only view."""
        return MappingProxyType(self._outstanding)

    @property
    def islands(self) -> Sequence[Island]:
        """The populations, for a summary; to be read only."""
        return self._islands

    @property
    def bandit(self) -> Bandit | None:
        """What is known of models and operators, for a summary; to be read only."""
        return self._bandit

    def mark(self, pinned: Sequence[Member], banned: Collection[str]) -> None:
        """Follow a person: `pinned` are parents now and then for good, `banned` ids are never shown or bred again."""
        self._banned = frozenset(banned)
        self._pinned = tuple(member for member in pinned if member.candidate_id not in self._banned)

    def top(self, number: int) -> list[Member]:
        """The best members of all islands by score, the older first among equals, founders first of all."""
        members = {elite.member.candidate_id: elite.member for island in self._islands for elite in island.elites}
        ranked = sorted(members.values(), key=lambda m: (-m.score, -1 if m.attempt_index is None else m.attempt_index))
        return ranked[:number]

    def ask(self, rng: np.random.Generator) -> MutationRequest:
        """The next attempt, reserved under the next index. `rng` must be that of `next_index`."""
        request = self._request(self._next_index, rng)
        self._outstanding[request.index] = request.arm
        self._next_index += 1
        return request

    def tell(self, told: Told) -> None:
        """Learn how an outstanding attempt ended.

        Raises:
            SearchError: The index is not outstanding, the island does not exist or the score is not finite; the search
                is then unchanged.
        """
        self._require_index(told.index in self._outstanding, told.index)
        self._fold(told)
        del self._outstanding[told.index]

    def _request(self, index: int, rng: np.random.Generator) -> MutationRequest:
        island_index = int(rng.integers(len(self._islands)))
        population = self._allowed(self._islands[island_index].elites)
        parent = self._parent(population, rng)
        if self._bandit is not None:
            return self._request_of_a_model(self._bandit, index, island_index, population, parent, rng)
        donor = None
        if rng.random() < self.config.crossover_probability:
            donor = choose_donor(self.config.inspirations, population, parent, rng)
        chosen = () if donor is None else (donor,)
        return MutationRequest(
            index=index,
            island=island_index,
            operator=Operator.CROSSOVER if chosen else Operator.MUTATE,
            parent=parent,
            inspirations=self._inspirations(population, parent, chosen, rng),
            num_tells=self._num_tells,
        )

    def _request_of_a_model(
        self,
        bandit: Bandit,
        index: int,
        island_index: int,
        population: Sequence[Elite],
        parent: Member,
        rng: np.random.Generator,
    ) -> MutationRequest:
        """The bandit's choice among what can be done here; a repair takes a parent with a failed child."""
        donor = choose_donor(self.config.inspirations, population, parent, rng)
        parent_of_failed = self._failures.choose_parent(island_index, population, rng)
        impossible = {Operator.CROSSOVER: donor is None, Operator.REPAIR: parent_of_failed is None}
        allowed = [arm for arm in bandit.states if not impossible.get(arm.operator, False)]
        waiting = Counter(arm for arm in self._outstanding.values() if arm is not None)
        arm = bandit.choose(allowed or tuple(bandit.states), waiting, rng)
        if not allowed:  # only crossover or repair were wanted, and there is nothing to cross or repair yet
            arm = Arm(arm.model, Operator.DIFF)
        if arm.operator is Operator.REPAIR and parent_of_failed is not None:
            parent = parent_of_failed
        chosen = (donor,) if arm.operator is Operator.CROSSOVER and donor is not None else ()
        return MutationRequest(
            index=index,
            island=island_index,
            operator=arm.operator,
            parent=parent,
            inspirations=self._inspirations(population, parent, chosen, rng),
            num_tells=self._num_tells,
            model=arm.model,
        )

    def _allowed(self, population: Sequence[Elite]) -> Sequence[Elite]:
        """`population` without what a person banned; all of it if nothing else is left."""
        if not self._banned:
            return population
        return [elite for elite in population if elite.member.candidate_id not in self._banned] or population

    def _inspirations(
        self, population: Sequence[Elite], parent: Member, chosen: Sequence[Member], rng: np.random.Generator
    ) -> tuple[Member, ...]:
        return choose_inspirations(
            self.config.inspirations, population, parent, chosen, self.config.num_inspirations, rng
        )

    def _parent(self, population: Sequence[Elite], rng: np.random.Generator) -> Member:
        if self._pinned and rng.random() < PINNED_SHARE:
            return self._pinned[int(rng.integers(len(self._pinned)))]
        return self.config.sampler.sample(population, rng).member

    def _fold(self, told: Told) -> None:
        if not 0 <= told.island < len(self._islands):
            raise SearchError(f"attempt {told.index} names island {told.island}, but there are {len(self._islands)}")
        if told.member is not None:
            _require_finite(told.member)
        self._num_tells += 1
        if told.lost:  # nobody's patience is tried by it
            self._last_improvement += 1
            self._last_new_island += 1
        else:
            self._learn(told)
        if _is_due(self.config.migration_every, self._num_tells):
            migrate(self._islands)
        if _is_due(self.config.restart_every, self._num_tells):
            restart_weaker_half(self._islands, self._founders)
        if self._is_stagnant():
            self._add_island()

    def _learn(self, told: Told) -> None:
        island = self._islands[told.island]
        island.count_child(told.parent_id)
        if told.member is not None:
            island.add(told.member)
            self._note_improvement(told.member)
        if told.repairable:
            self._failures.add(told.island, told.parent_id)
        if self._bandit is not None and told.arm is not None:
            self._bandit.learn(told.arm, _gain_of(told), told.cost_usd)

    def _is_stagnant(self) -> bool:
        """Whether there has been neither a better program nor a new island for so long that one is due."""
        if not self.config.new_island_after or len(self._islands) >= self.config.most_islands:
            return False
        return self._num_tells - max(self._last_improvement, self._last_new_island) >= self.config.new_island_after

    def _add_island(self) -> None:
        """Found another island with the best and an elite far from it."""
        settlers = [*self._founders, self._best, most_different(self._best, self._islands)]
        self._islands.append(_island(self.config, settlers))
        self._last_new_island = self._num_tells

    def _note_improvement(self, member: Member) -> None:
        if member.score > self._best.score:
            self._best = member
            self._last_improvement = self._num_tells

    def _require_index(self, is_outstanding: bool, index: int) -> None:
        if not is_outstanding:
            known = ", ".join(str(one) for one in sorted(self._outstanding)) or "none"
            raise SearchError(f"attempt {index} was not asked or was told before; outstanding are: {known}")


def _island(config: SearchConfig, members: Sequence[Member]) -> Island:
    island = Island(config.elites_per_island, config.twins_per_island, config.spared)
    island.restart(members)
    return island


def _gain_of(told: Told) -> float | None:
    """What the bandit learns: the gain over the parent, 0 for a program that was cut short, None for a failure."""
    if told.member is None:
        return 0.0 if told.cut_short else None
    return told.member.score - told.parent_score


def _is_due(every: int, num_tells: int) -> bool:
    return every > 0 and num_tells % every == 0


def _next_after(indices: set[int]) -> int:
    missing = set(range(len(indices))) - indices
    if missing:
        raise SearchError(
            f"attempts {sorted(missing)} are neither told nor outstanding although later ones are: "
            "name them as outstanding to have them asked again"
        )
    return len(indices)


def _require_finite(member: Member) -> None:
    if not math.isfinite(member.score):
        raise SearchError(f"candidate {member.candidate_id} has the score {member.score}: only finite scores compare")
