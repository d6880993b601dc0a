"""Who won a run, and what the hold-out says of it: as `evolve run` says it at its end, of archived evaluations only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.endings import Judging
from archive.records import FounderRole, StoredEvaluation
from evaluators.contract import Tier
from evaluators.figures import difference_range
from evaluators.measure import Interval
from evaluators.paired import gain_of, interval_of, is_better, p_of
from evaluators.significance import is_settled, remark_on_p

Scores = Mapping[str, Mapping[Tier, float | None]]  # candidate -> tier -> hold-out score
_FAILED = -2.0  # below every score
_NAMED = 3  # baselines that are above the champion
_UNCLEAR = "not shown to differ from"
UNBEATEN = "No evolved program was shown to be better than the initial one on validation."


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
    better = (c.candidate_id for c in judging.contenders if is_better(c.evaluation, reference))
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
    gain = gain_of(champion, initial) if champion and initial else None
    p = p_of(champion, initial) if champion and initial else None
    place = _place_of(champion_id, judging, tier, scores)
    return Verdict(
        champion_id=champion_id,
        is_initial=is_initial,
        sentence=UNBEATEN if is_initial else champion_sentence(_who(judging, champion_id), gain, p, place),
        holdout=champion.objective if champion else None,
        interval=interval_of(champion) if champion else None,
    )


def champion_named(name: str, role: str) -> str:
    """How a sentence on a champion begins."""
    began_with_it = role == FounderRole.INITIAL
    aside = ", with which the run began and which no evolved program passed on validation," if began_with_it else ""
    return f"The champion {name}{aside}"


def champion_sentence(who: str, gain: Interval | None, p: float | None, place: str) -> str:
    """What the hold-out says of a champion, and no more than it says.

    Args:
        who: See `champion_named`.
        gain: 95 %, paired, over the initial program.
        p: Of no such gain, by sign flips.
        place: Its mean among those of the baselines, see `place_among`.
    """
    if gain is None or p is None:
        return f"{who} has no paired interval on the hold-out, so nothing is claimed."
    claim = f"{'better' if gain.low > 0 else 'worse'} than" if is_settled(gain.low, gain.high, p) else _UNCLEAR
    return (
        f"{who} is {claim} the initial program on the hold-out: paired gain {difference_range(gain.low, gain.high)} "
        f"(95 %), p = {p:.2g}{remark_on_p(gain.low, gain.high, p)}; its mean is {place}."
    )


def place_among(baselines: Mapping[str, float | None], own: float | None) -> str:
    """Above how many of `baselines` (scores by name) a score is, and below which; none is below every score."""
    scores = {name: _FAILED if score is None else score for name, score in baselines.items()}
    mean = _FAILED if own is None else own
    beaten = sum(score < mean for score in scores.values())
    higher = sorted((name for name, score in scores.items() if score > mean), key=lambda name: -scores[name])
    named = ", ".join(higher[:_NAMED]) + (f" and {len(higher) - _NAMED} more" if len(higher) > _NAMED else "")
    return f"above {beaten} of {len(scores)} baselines" + (f", below {named}" if higher else "")


def _who(judging: Judging, champion_id: str) -> str:
    founder = next((f for f in judging.founders if f.candidate_id == champion_id), None)
    return champion_named(founder.name, founder.role) if founder else champion_named(champion_id[:10], "champion")


def _place_of(champion_id: str, judging: Judging, tier: Tier, scores: Scores) -> str:
    means = {candidate_id: by_tier.get(tier) for candidate_id, by_tier in scores.items()}
    baselines = {f.candidate_id: f.name for f in judging.founders if f.role is FounderRole.BASELINE}
    others = {name: means.get(i) for i, name in baselines.items() if i != judging.initial_id}
    return place_among(others, means.get(champion_id))
