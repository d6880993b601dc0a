"""How a parent is drawn from an island: each sampler is a small frozen value with one method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from evolve.search.islands import Elite, Pool
from evolve.search.pools import cell_holders, pareto_front
from evolve.search.request import SearchError

LARGEST_Z = 1e6  # beyond that nobody is told apart


class ParentSampler(Protocol):
    """Draws the parent of the next attempt."""

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """One of `population`, which is never empty and sorted best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedSampling:
    """Good members and those with few children first: sigmoid(sharpness x robust z) / (1 + children).

    Source: ShinkaEvolve (arXiv 2509.19349), parent sampling by fitness and offspring.
    """

    sharpness: float = 10.0  # 0 looks at children only

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """One of `population` in proportion to its weight."""
        return population[draw_index(self.weights(population), rng)]

    def weights(self, population: Sequence[Elite]) -> np.ndarray:
        """``(N,)`` positive weights, not normalised."""
        scores = np.array([elite.member.score for elite in population])
        num_children = np.array([elite.num_children for elite in population])
        return sigmoid(self.sharpness * robust_z(scores)) / (1.0 + num_children)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLawSampling:
    """By rank: the r-th best with weight r ** -exponent."""

    exponent: float = 1.0  # 0 is uniform

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """One of `population` in proportion to its weight."""
        ranks = np.arange(1, len(population) + 1)
        return population[draw_index(ranks**-self.exponent, rng)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BestFirstSampling:
    """Mostly the best, else by rank.

    In 3,000 archived attempts on `expert_replication` a child of the best so far became the new best in 8 % of all
    cases, one of a member at most 0.01 below it in 3 %, of others in 1 %: see docs/search.md.
    """

    best_share: float = 0.6  # of the draws
    rest: PowerLawSampling = PowerLawSampling()

    def __post_init__(self) -> None:
        if not 0.0 <= self.best_share <= 1.0:
            raise SearchError(f"best_share must be in [0, 1], but is {self.best_share}")

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """The first of `population`, or one in proportion to its weight by rank."""
        return population[0] if rng.random() < self.best_share else self.rest.sample(population, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class TournamentSampling:
    """The best of a few drawn with replacement."""

    size: int = 3  # members per draw; 1 is uniform sampling

    def __post_init__(self) -> None:
        if self.size < 1:
            raise SearchError(f"a tournament needs at least 1 member per draw, but size is {self.size}")

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """The best of `size` draws; the population is sorted, so that is the lowest place."""
        return population[int(rng.integers(len(population), size=self.size).min())]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamSampling:
    """The best few in turn, whichever of them has the fewest children."""

    width: int = 5

    def __post_init__(self) -> None:
        if self.width < 1:
            raise SearchError(f"a beam needs at least 1 member, but width is {self.width}")

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:  # noqa: ARG002 -- the Protocol's
        """The member of the beam with the fewest children; ties go to the better."""
        return min(population[: self.width], key=lambda elite: elite.num_children)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceWinnerSampling:
    """Members that nobody beats on some instance, in proportion to the number of such instances.

    Of equal scores on an instance the member with the higher mean wins it. Source: GEPA's selection from the
    per-instance Pareto front (arXiv 2507.19457); a member that another one beats everywhere wins nothing here either.
    """

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """The winner of an instance drawn at random; the first of `population` where no instance is known of all."""
        scores = [elite.member.instance_scores for elite in population]
        num_instances = min(map(len, scores))
        if num_instances == 0:
            return population[0]
        instance = int(rng.integers(num_instances))
        return population[max(range(len(population)), key=lambda place: (scores[place][instance], -place))]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSampling:
    """Any member of a pool, all alike: with the holders of the grid's cells this is how MAP-Elites draws parents."""

    pool: Pool

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """One of the pool, which is never empty for the pools of this module."""
        drawable = self.pool(population)
        return drawable[int(rng.integers(len(drawable)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class HillClimbing:
    """Always the best: a baseline strategy."""

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:  # noqa: ARG002 -- the Protocol's
        """The first of `population`."""
        return population[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedSampling:
    """Always the best founder, never a child: the baseline strategy called best-of-n."""

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:  # noqa: ARG002 -- the Protocol's
        """The best founder; islands never forget their founders."""
        return next(elite for elite in population if elite.member.is_founder)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformSampling:
    """Any elite: a baseline strategy."""

    def sample(self, population: Sequence[Elite], rng: np.random.Generator) -> Elite:
        """One of `population`, all alike."""
        return population[int(rng.integers(len(population)))]


SPARED: Mapping[str, Pool] = {"map_elites": cell_holders, "pareto": pareto_front}  # what these draw from must be kept

SAMPLERS: Mapping[str, ParentSampler] = {
    "best_first": BestFirstSampling(),
    "weighted": WeightedSampling(),
    "power_law": PowerLawSampling(),
    "tournament": TournamentSampling(),
    "beam": BeamSampling(),
    "instance_winners": InstanceWinnerSampling(),
    "map_elites": PoolSampling(pool=cell_holders),
    "pareto": PoolSampling(pool=pareto_front),
    "hill_climbing": HillClimbing(),
    "best_of_n": RepeatedSampling(),
    "uniform": UniformSampling(),
}


def robust_z(scores: np.ndarray) -> np.ndarray:
    """``(N,)`` distances from the median in units of the median absolute deviation.

    Where more than half the scores are equal that deviation is 0, and the mean absolute deviation stands in for it;
    where all are equal, every distance is 0.
    """
    distances = scores - np.median(scores)
    spread = np.median(np.abs(distances)) or np.mean(np.abs(distances)) or 1.0
    with np.errstate(over="ignore"):  # a spread next to nothing
        return np.asarray(np.clip(distances / spread, -LARGEST_Z, LARGEST_Z))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """``1 / (1 + exp(-x))``, with x clipped so that neither end overflows or reaches 0."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0))))


def draw_index(weights: np.ndarray, rng: np.random.Generator) -> int:
    """An index in proportion to `weights`, which are not negative and not all 0; one draw from `rng`."""
    cumulative = np.cumsum(weights)
    place = np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")
    return min(int(place), len(weights) - 1)
