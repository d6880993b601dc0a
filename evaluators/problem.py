"""What a task implements, and how the scorer plays it. A new task is one `Problem` and its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evaluators.candidate import Candidate
from evaluators.contract import InstanceResult, ParameterValue, Picture, Split, Task, Tier
from evaluators.contract import PlannerClock as PlannerClock
from evaluators.seeding import SeedSource

Settings = Mapping[str, ParameterValue]
"""What the user set, by name; what is not there is the suite's to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPolicy:
    """How one evaluation charges planner time."""

    clock: PlannerClock = PlannerClock.MEASURED
    stored_delays_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by instance name; for REPLAYED


class Instance(Protocol):
    """One scored scenario; built once per worker and played by many candidates, so `play` must not change it."""

    @property
    def name(self) -> str:
        """Unique within its tier and split, stable across runs with other seeds."""

    @property
    def regime(self) -> str:
        """The stratum the instance belongs to."""

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        """Score a fresh candidate.

        Raises:
            CandidateFailure: The program failed or broke the contract (`Outcome.INVALID` for a bad plan).
        """


class Report(Protocol):
    """What is told of results; a module with these two functions is one."""

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Aggregates per regime for the proposer, never raw workloads. Search split only.

        Scores with four digits (`reporting.score_words`); all else with two or three.
        """

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Tables worth drawing, possibly none."""


class Problem(Report, Protocol):
    """A task with its parameters filled in, able to make and judge instances."""

    @property
    def task(self) -> Task:
        """The contract the prompt, the scorer and the leaderboard share."""

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> Problem:
        """The problem for the user's own system; strings are read as the parameter's kind.

        Raises:
            ContractError: Unknown name (the nearest one is named), wrong kind, out of range, or an impossible
                combination.
        """

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Instance]:
        """The scenarios of a tier and split; at least 12 from `QUICK` up. The same seeds give the same instances."""
