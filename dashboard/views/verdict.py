"""Who won a run, and what the hold-out says of it: as `evolve run` says it at its end, of archived evaluations only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.endings import Judging
from archive.records import FounderRole, StoredEvaluation
from evaluators.contract import Evaluation, Outcome, Tier
from evaluators.measure import Interval, mean_interval, paired_interval
from evaluators.significance import is_settled, sign_flip_p

Scores = Mapping[str, Mapping[Tier, float | None]]  # candidate -> tier -> hold-out score
_FAILED = -2.0  # below every score
_NAMED = 3  # baselines that are above the champion
UNBEATEN = "No evolved program was shown to be better than the initial one on validation."


@dataclass(frozen=True, slots=True)
class _Gain:
    interval: Interval  # 95 %, paired
    p: float  # of no difference, by sign flips


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
        sentence=UNBEATEN if is_initial else _sentence(champion_id, gain, _among(judging, champion_id, tier, scores)),
        holdout=champion.objective if champion else None,
        interval=_own_interval(champion) if champion else None,
    )


def _sentence(champion_id: str, gain: _Gain | None, place: str) -> str:
    """What the hold-out says of a champion, and no more than it says."""
    name = champion_id[:10]
    if gain is None:
        return f"The champion {name} has no paired interval on the hold-out, so nothing is claimed."
    low, high = gain.interval.low, gain.interval.high
    if not is_settled(low, high, gain.p):
        claim = "not shown to differ from"
    else:
        claim = f"{'better' if low > 0 else 'worse'} than"
    return (
        f"The champion {name} is {claim} the initial program on the hold-out: paired gain [{low:+.4f}, {high:+.4f}] "
        f"(95 %), p = {gain.p:.2g}; its mean is {place}."
    )


def _among(judging: Judging, champion_id: str, tier: Tier, scores: Scores) -> str:
    """Where its mean lies among those of the baselines."""
    baselines = {f.candidate_id: f.name for f in judging.founders if f.role is FounderRole.BASELINE}
    baselines.pop(judging.initial_id, None)
    own = _counted(scores, champion_id, tier)
    return place_among({name: _counted(scores, i, tier) for i, name in baselines.items()}, own)


def place_among(baselines: Mapping[str, float], own: float) -> str:
    """Above how many of `baselines` (scores by name) a score is, and below which."""
    beaten = sum(score < own for score in baselines.values())
    higher = sorted((name for name, score in baselines.items() if score > own), key=lambda name: -baselines[name])
    named = ", ".join(higher[:_NAMED]) + (f" and {len(higher) - _NAMED} more" if len(higher) > _NAMED else "")
    return f"above {beaten} of {len(baselines)} baselines" + (f", below {named}" if higher else "")


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
    return gain.interval.low > 0


def _gain(evaluation: Evaluation, reference: Evaluation) -> _Gain | None:
    if evaluation.outcome is not Outcome.SCORED or reference.outcome is not Outcome.SCORED:
        return None
    own, other = _scores(evaluation), _scores(reference)
    interval = paired_interval(own, other, _regimes(evaluation))
    return _Gain(interval, sign_flip_p([a - b for a, b in zip(own, other, strict=True)])) if interval else None


def _own_interval(evaluation: Evaluation) -> Interval | None:
    if evaluation.outcome is not Outcome.SCORED:
        return None
    return mean_interval(_scores(evaluation), _regimes(evaluation))


def _scores(evaluation: Evaluation) -> list[float]:
    return [instance.counted_score for instance in evaluation.instances]


def _regimes(evaluation: Evaluation) -> list[str]:
    return [instance.regime for instance in evaluation.instances]
