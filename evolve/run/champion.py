"""Who leads a run: chosen on the validation split alone, by paired differences. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evaluators.contract import Evaluation, Outcome
from evaluators.paired import counted_scores, is_better

NUM_CONTENDERS = 5  # best by search score that get a validation
VALIDATION_SHARE = 0.1  # of the search evaluations, during the search


def choose_champion(initial: str, validations: Sequence[tuple[str, Evaluation]]) -> str:
    """The candidate that leads after `validations`: of those shown to be better than `initial`, the highest mean.

    Among these a further test would only hold on to whoever came first: the mean is the better guess, and the fresh
    looks tell how much of it was luck. Equal means keep the earlier; the initial program leads where nothing beats it.
    """
    reference = dict(validations)[initial]
    ranked = sorted(validations, key=lambda pair: -_objective(pair[1]))
    return next((c for c, evaluation in ranked if c != initial and is_better(evaluation, reference)), initial)


def finalists(
    champion: str, validations: Sequence[tuple[str, Evaluation]], number: int, founders: Collection[str] = ()
) -> list[str]:
    """The champion and the next best by validation that behave differently, at most `number` in all.

    Programs with the same score on every validation instance are taken for one, the first; those without a score are
    left out, and so are `founders`, which are judged anyway.
    """
    ranked = sorted(validations, key=lambda pair: (pair[0] != champion, -_objective(pair[1])))
    chosen: dict[tuple[float, ...], str] = {}
    for candidate_id, evaluation in ranked:
        if evaluation.outcome is Outcome.SCORED or candidate_id == champion:
            chosen.setdefault(tuple(counted_scores(evaluation)), candidate_id)
    return [candidate_id for candidate_id in chosen.values() if candidate_id not in founders][:number]


def _objective(evaluation: Evaluation) -> float:
    return float("-inf") if evaluation.objective is None else evaluation.objective
