"""The highest mean score that any program of a run has in each regime, as an ask may know it: search figures only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from archive.store import Archive
from evaluators.contract import InstanceResult, Outcome
from evolve.run.stages import Stages
from evolve.search.request import MutationRequest


class Heights:
    """Reads each attempt once; initial programs and baselines count as the others."""

    def __init__(self, archive: Archive, run_id: str, stages: Stages) -> None:
        self._archive = archive
        self._run_id = run_id
        self._stages = stages
        self._after = list[Mapping[str, float]]()  # the best of each regime after 0, 1, ... tells

    def before(self, request: MutationRequest) -> Mapping[str, float]:
        """By regime, over the programs that the run began with and those told before this ask, whatever came later."""
        if not self._after:
            founders = self._archive.founders(self._run_id)
            self._after.append(highest(self._means(founder.candidate_id) for founder in founders))
        if len(self._after) <= request.num_tells:
            for attempt in self._archive.attempts_told(self._run_id, first=len(self._after) - 1):
                self._after.append(highest((self._after[-1], self._means(attempt.candidate_id or ""))))
        return self._after[min(request.num_tells, len(self._after) - 1)]

    def _means(self, candidate_id: str) -> Mapping[str, float]:
        """Empty for a program without a score."""
        found = self._stages.stored_search(candidate_id) if candidate_id else None
        return regime_means(found.instances) if found is not None and found.outcome is Outcome.SCORED else {}


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
