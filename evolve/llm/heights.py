"""The highest mean score that any program of a run has in each regime, as an ask may know it: search figures only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from archive.store import Archive
from evaluators.contract import InstanceResult, Outcome
from evolve.request import MutationRequest
from evolve.stages import Stages


class Heights:
    """Reads each program's regimes once; initial programs and baselines count as the others."""

    def __init__(self, archive: Archive, run_id: str, stages: Stages) -> None:
        self._archive = archive
        self._run_id = run_id
        self._stages = stages
        self._known: dict[str, Mapping[str, float]] = {}

    def before(self, request: MutationRequest) -> dict[str, float]:
        """By regime, over the programs that the run began with and those told before this ask, whatever came later."""
        told = self._archive.attempts_told(self._run_id)[: request.num_tells]
        founders = [founder.candidate_id for founder in self._archive.founders(self._run_id)]
        ids = dict.fromkeys([*founders, *(attempt.candidate_id for attempt in told if attempt.candidate_id)])
        return highest(self._means(candidate_id) for candidate_id in ids)

    def _means(self, candidate_id: str) -> Mapping[str, float]:
        if candidate_id not in self._known:
            found = self._stages.stored_search(candidate_id)
            is_scored = found is not None and found.outcome is Outcome.SCORED
            self._known[candidate_id] = regime_means(found.instances) if found is not None and is_scored else {}
        return self._known[candidate_id]


def highest(programs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The largest value of each regime that any program has."""
    best: dict[str, float] = {}
    for regimes in programs:
        for regime, score in regimes.items():
            best[regime] = max(score, best.get(regime, score))
    return best


def regime_means(instances: Sequence[InstanceResult]) -> dict[str, float]:
    """Mean counted score of each regime, in order of appearance."""
    by_regime: dict[str, list[float]] = {}
    for instance in instances:
        by_regime.setdefault(instance.regime, []).append(instance.counted_score)
    return {regime: float(np.mean(scores)) for regime, scores in by_regime.items()}
