"""What the search is set up with: values only."""

from __future__ import annotations

from dataclasses import dataclass

from evolve.search.bandit import POLICIES, BanditPolicy
from evolve.search.inspirations import INSPIRATIONS, InspirationChooser
from evolve.search.islands import Pool, nobody
from evolve.search.request import Arm, SearchError
from evolve.search.sampling import SAMPLERS, ParentSampler


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """How the population is kept and drawn from. Every interval counts tells, never seconds."""

    num_islands: int = 1
    elites_per_island: int = 40
    twins_per_island: int = 2  # members that score alike on every instance
    sampler: ParentSampler = SAMPLERS["best_first"]
    spared: Pool = nobody  # who is kept on an island whatever the score, as far as there is room
    crossover_probability: float = 0.0
    inspirations: InspirationChooser = INSPIRATIONS["complementary"]
    num_inspirations: int = 3  # per request, donors included
    migration_every: int = 40  # the best of each island is copied to the next; 0: never
    restart_every: int = 0  # the weaker half of the islands begins again; 0: never
    new_island_after: int = 0  # tells without a better one, after which an island is added; 0: never
    most_islands: int = 4  # that stagnation may lead to
    arms: tuple[Arm, ...] = ()  # models and what they are asked for; empty: one proposer, mutation and crossover
    bandit: BanditPolicy = POLICIES["thompson"]
    price_weight: float = 0.5

    def __post_init__(self) -> None:
        for name, value in (
            ("num_islands", self.num_islands),
            ("elites_per_island", self.elites_per_island),
            ("twins_per_island", self.twins_per_island),
            ("most_islands", self.most_islands),
        ):
            if value < 1:
                raise SearchError(f"{name} must be at least 1, but is {value}")
        if min(self.num_inspirations, self.migration_every, self.restart_every, self.new_island_after) < 0:
            raise SearchError("num_inspirations and what counts tells must not be negative")
        if not 0.0 <= self.crossover_probability <= 1.0:
            raise SearchError(f"crossover_probability must be in [0, 1], but is {self.crossover_probability}")
