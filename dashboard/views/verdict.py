"""Who won a run, and what the hold-out says of it: as `evolve run` says it at its end, of archived evaluations only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.endings import Judging
from archive.records import FounderRole, StoredEvaluation
from evaluators.contract import Evaluation, Outcome, Tier
from evaluators.measure import Interval, mean_interval, paired_interval

Scores = Mapping[str, Mapping[Tier, float | None]]  # candidate -> tier -> hold-out score
_FAILED = -2.0  # below every score
UNBEATEN = "No evolved program was better than the initial one on validation."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The end of a run in figures and one sentence."""

    champion_id: str
    is_initial: bool
    sentence: str
    holdout: float | None
    interval: Interval | None  # 95 %, of the champion alone


def champion_of(judging: Judging) -> str:
    """The highest validation that is shown to be better than the initial program's; that one where none is."""
    reference = judging.initial.evaluation
    better = (c.candidate_id for c in judging.contenders if _is_better(c.evaluation, reference))
    return next(better, judging.initial_id)


def judged_ids(judging: Judging, champion_id: str) -> list[str]:
    """The programs that a verdict speaks of."""
    return list(dict.fromkeys([champion_id, *(founder.candidate_id for founder in judging.founders)]))


def tier_of(scores: Scores, champion_id: str, initial_id: str, wanted: Tier | None) -> Tier | None:
    """The tier of a run's hold-out: the one asked for, else the largest that both were scored on."""
    both = [t for t in Tier if t in scores.get(champion_id, {}) and t in scores.get(initial_id, {})]
    found = [tier for tier in both if wanted in (None, tier)]
    return found[-1] if found else None


def verdict_of(
    judging: Judging, champion_id: str, tier: Tier, scores: Scores, holdouts: Sequence[StoredEvaluation | None]
) -> Verdict:
    """The verdict, from everybody's hold-out scores and the evaluations of champion and initial program."""
    champion, initial = (stored.evaluation if stored else None for stored in holdouts)
    is_initial = champion_id == judging.initial_id
    gain = _gain(champion, initial) if champion and initial else None
    return Verdict(
        champion_id=champion_id,
        is_initial=is_initial,
        sentence=UNBEATEN if is_initial else _sentence(champion_id, gain, _beaten(judging, champion_id, tier, scores)),
        holdout=champion.objective if champion else None,
        interval=_own_interval(champion) if champion else None,
    )


def _sentence(champion_id: str, gain: Interval | None, beaten: tuple[int, int]) -> str:
    """What the hold-out says of a champion, and no more than it says."""
    name = champion_id[:10]
    if gain is None:
        return f"The champion {name} has no paired interval on the hold-out, so nothing is claimed."
    if gain.low > 0:
        claim = "better than the initial program on the hold-out"
    elif gain.high < 0:
        claim = "worse than the initial program on the hold-out"
    else:
        claim = "not shown to differ from the initial program on the hold-out"
    return (
        f"The champion {name} is {claim}: paired gain [{gain.low:+.4f}, {gain.high:+.4f}] (95 %); "
        f"its mean is above {beaten[0]} of {beaten[1]} baselines."
    )


def _beaten(judging: Judging, champion_id: str, tier: Tier, scores: Scores) -> tuple[int, int]:
    """How many baselines have a lower hold-out score, and how many there are."""
    ids = {f.candidate_id for f in judging.founders if f.role is FounderRole.BASELINE} - {judging.initial_id}
    own = _counted(scores, champion_id, tier)
    return sum(_counted(scores, candidate_id, tier) < own for candidate_id in ids), len(ids)


def _counted(scores: Scores, candidate_id: str, tier: Tier) -> float:
    score = scores.get(candidate_id, {}).get(tier)
    return _FAILED if score is None else score


def _is_better(challenger: Evaluation, reference: Evaluation) -> bool:
    if challenger.outcome is not Outcome.SCORED:
        return False
    if reference.outcome is not Outcome.SCORED:
        return True
    gain = _gain(challenger, reference)
    if gain is None:  # too few instances to say how sure: the plain order of the means
        return (challenger.objective or 0.0) > (reference.objective or 0.0)
    return gain.low > 0


def _gain(evaluation: Evaluation, reference: Evaluation) -> Interval | None:
    if evaluation.outcome is not Outcome.SCORED or reference.outcome is not Outcome.SCORED:
        return None
    return paired_interval(_scores(evaluation), _scores(reference), _regimes(evaluation))


def _own_interval(evaluation: Evaluation) -> Interval | None:
    if evaluation.outcome is not Outcome.SCORED:
        return None
    return mean_interval(_scores(evaluation), _regimes(evaluation))


def _scores(evaluation: Evaluation) -> list[float]:
    return [instance.counted_score for instance in evaluation.instances]


def _regimes(evaluation: Evaluation) -> list[str]:
    return [instance.regime for instance in evaluation.instances]
