"""The search evaluation of an attempt: cut short where a twin is known, or where the parent is clearly better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archive.records import Attempt, Candidate
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.racing import Race, find_twin, played_for_twins
from evolve.novelty.behaviours import Behaviours
from evolve.run.stages import Stages
from evolve.search.request import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceConfig:
    """What may cut an evaluation short."""

    error_rate: float = 0.2  # of stopping a program as good as its parent; 0: none is stopped for that
    twins: bool = True  # a program that behaves like an earlier one takes over its score


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """How an attempt's evaluation ended."""

    evaluation: Evaluation  # the twin's where there is one
    smoke_digest: str = ""  # of its own behaviour
    twin_id: str | None = None


class Races:
    """Runs the evaluations of one run's attempts."""

    def __init__(self, stages: Stages, behaviours: Behaviours, config: RaceConfig) -> None:
        self._stages = stages
        self._behaviours = behaviours
        self._config = config

    async def run(self, candidate: Candidate, attempt: Attempt, parent: Member) -> Raced:
        """Smoke, then quick as far as it is needed.

        Raises:
            BackendError: It cannot be executed here.
        """
        smoke = await self._stages.evaluate(candidate, Tier.SMOKE, Split.SEARCH, attempt.index)
        if smoke.outcome is not Outcome.SCORED:
            return Raced(evaluation=smoke)
        alike = self._alike(smoke.behaviour, attempt.num_tells)
        race = Race(
            parent_scores=parent.instance_scores if self._config.error_rate > 0 else (),
            error_rate=self._config.error_rate,
            twins=tuple(_digests(evaluation) for _, evaluation in alike),
        )
        quick = await self._stages.evaluate(candidate, Tier.QUICK, Split.SEARCH, attempt.index, race=race)
        if quick.outcome is Outcome.STOPPED and (place := _place_of_twin(quick, alike)) is not None:
            twin_id, evaluation = alike[place]
            return Raced(evaluation=evaluation, smoke_digest=smoke.behaviour, twin_id=twin_id)
        return Raced(evaluation=quick, smoke_digest=smoke.behaviour)

    def told(self, raced: Raced, candidate_id: str, tell_order: int) -> None:
        """Let later attempts find this one."""
        if raced.twin_id is None and raced.evaluation.outcome is Outcome.SCORED:
            self._behaviours.add(raced.smoke_digest, candidate_id, tell_order)

    def _alike(self, smoke_digest: str, before: int) -> list[tuple[str, Evaluation]]:
        """Programs that did the same in smoke, with their quick evaluations."""
        if not self._config.twins:
            return []
        ids = self._behaviours.find(smoke_digest, before)
        found = [(candidate_id, self._stages.stored(candidate_id, Tier.QUICK, Split.SEARCH)) for candidate_id in ids]
        return [(i, evaluation) for i, evaluation in found if evaluation is not None and evaluation.behaviour]


def _digests(evaluation: Evaluation) -> tuple[str, ...]:
    return tuple(instance.behaviour for instance in evaluation.instances)


def _place_of_twin(stopped: Evaluation, alike: Sequence[tuple[str, Evaluation]]) -> int | None:
    """Which of `alike` did the same on all that was played; None for a program stopped before that could be told."""
    if not alike or len(stopped.instances) < played_for_twins(len(alike[0][1].instances)):
        return None
    places = {instance.name: place for place, instance in enumerate(alike[0][1].instances)}
    played = {places[instance.name]: instance for instance in stopped.instances}
    return find_twin([_digests(evaluation) for _, evaluation in alike], played)
