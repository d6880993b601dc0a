"""The named choices of a run file, apart from it so that the command line can offer them without importing pydantic."""

from __future__ import annotations

from enum import StrEnum


class ProposerKind(StrEnum):
    """Who writes the programs."""

    GENETIC = "genetic"  # typed mutation of syntax trees: no model, no key
    OPENAI = "openai"  # language models behind any OpenAI-compatible server
    RECORDED = "recorded"  # programs or replies from a file, or the replies of an earlier run
    OUTSIDE = "outside"  # whoever answers `evolve ask` with `evolve tell`


class Order(StrEnum):
    """In which order the search is told."""

    COMPLETION = "completion"  # as attempts end: fastest
    INDEX = "index"  # as asked, within a window: the same seed gives the same archive whatever the timing


class Sampler(StrEnum):
    """How parents are drawn; the names of `evolve.search.sampling.SAMPLERS`."""

    BEST_FIRST = "best_first"
    WEIGHTED = "weighted"
    POWER_LAW = "power_law"
    TOURNAMENT = "tournament"
    BEAM = "beam"
    INSTANCE_WINNERS = "instance_winners"
    MAP_ELITES = "map_elites"
    PARETO = "pareto"
    HILL_CLIMBING = "hill_climbing"
    BEST_OF_N = "best_of_n"
    UNIFORM = "uniform"


class Inspirations(StrEnum):
    """Whom a proposer sees beside the parent, donors included; the names of `search.inspirations.INSPIRATIONS`."""

    COMPLEMENTARY = "complementary"  # good where the parent is not
    UNIFORM = "uniform"  # any member of the island


class Donors(StrEnum):
    """Where a crossover may take code from."""

    ARCHIVE = "archive"  # programs of this run
    BASELINES = "baselines"  # the published methods too; never in claims that compare strategies


class NearDuplicates(StrEnum):
    """What becomes of a program whose embedding is near that of a known one."""

    FLAG = "flag"  # a note names the neighbour
    REJECT = "reject"  # no evaluation
    JUDGE = "judge"  # a model says whether it differs in an idea: rejected if not, else flagged


class BanditKind(StrEnum):
    """How models and operators are chosen; the names of `evolve.search.bandit.POLICIES`."""

    THOMPSON = "thompson"
    ASYMMETRIC = "asymmetric"
    UCB1 = "ucb1"
