"""Questions about what is archived; nothing here writes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, func, select, text

from archive import schema
from archive.evaluation_store import OF_PROGRAMS
from archive.leaderboard import leaderboard as leaderboard  # part of this module's face
from archive.mapping import AnyRow, attempt_of
from archive.records import OUTSIDE, Attempt, AttemptState
from archive.run_scope import OF_RUN, scope_of
from archive.schema import attempts, evaluations, replies
from archive.store import Archive
from evaluators.contract import Outcome, Split, Tier

_TIERS = list(Tier)  # smallest first
_MADE_IT = (
    select(attempts)
    .where(
        attempts.c.run_id == bindparam("this_run"),
        attempts.c.candidate_id == bindparam("candidate"),
        attempts.c.attempt_index < bindparam("before"),
        text(schema.PASSED_THE_GATE),
    )
    .order_by(attempts.c.attempt_index)
    .limit(1)
)
_SEARCH_SCORES: Select[Any] = (
    select(evaluations.c.candidate_id, evaluations.c.tier, evaluations.c.outcome, evaluations.c.objective)
    .where(OF_PROGRAMS, OF_RUN)
    .order_by(evaluations.c.id)
)
_REPLIES_OF_RUN = replies.c.run_id == bindparam("this_run")
_REPLY_SUMS = select(
    func.count().label("calls"),
    func.coalesce(func.sum(replies.c.prompt_tokens), 0).label("prompt_tokens"),
    func.coalesce(func.sum(replies.c.reply_tokens), 0).label("reply_tokens"),
    func.coalesce(func.sum(replies.c.price_usd), 0.0).label("price_usd"),
    (func.count() - func.count(replies.c.price_usd)).label("unpriced_calls"),
).where(_REPLIES_OF_RUN, replies.c.model != OUTSIDE)
_EVALUATION_SUMS = select(
    func.count().label("evaluations"),
    func.coalesce(func.sum(evaluations.c.cpu_s), 0.0).label("cpu_s"),
    func.coalesce(func.sum(evaluations.c.wall_s), 0.0).label("wall_s"),
).where(evaluations.c.run_id == bindparam("this_run"))
_MANY = (1 << 31) - 1
TWIN = "twin"  # how an attempt ended that took over the score of another program


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRate:
    """How often one operator of a run helped."""

    operator: str
    attempts: int  # ended ones
    rejected: int  # before evaluation
    scored: int
    improved: int  # scored above the parent, on the same tier of the search split


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a run has spent."""

    calls: int  # of models; answers from outside are none
    prompt_tokens: int
    reply_tokens: int
    price_usd: float  # of the calls whose price is known
    unpriced_calls: int
    evaluations: int  # paid for by this run
    cpu_s: float
    wall_s: float  # summed over evaluations


def lineage(archive: Archive, run_id: str, candidate_id: str) -> list[Attempt]:
    """The attempts that led to a candidate of the run, oldest first; the first one's parent is a founder.

    Empty for a founder, and for a candidate that the run did not evaluate.
    """
    found: list[Attempt] = []
    known = {founder.candidate_id for founder in archive.founders(run_id)}
    with archive.reading() as connection:
        while candidate_id not in known:
            before = found[-1].index if found else _MANY
            place = {"this_run": run_id, "candidate": candidate_id, "before": before}
            row = connection.execute(_MADE_IT, place).one_or_none()
            if row is None:
                break
            found.append(attempt_of(row))
            candidate_id = found[-1].parent_id
    return found[::-1]


def outcome_counts(archive: Archive, run_id: str) -> Counter[str]:
    """How the ended attempts of a run ended: "rejected", or the outcome on the largest search tier they reached."""
    scores = _search_scores(archive, run_id)
    return Counter(_ending(attempt, scores) for attempt in archive.attempts_told(run_id))


def operator_rates(archive: Archive, run_id: str) -> list[OperatorRate]:
    """How often each operator of a run helped, the most used first."""
    scores = _search_scores(archive, run_id)
    by_operator: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in archive.attempts_told(run_id):
        by_operator[attempt.operator].append(attempt)
    rates = [_rate(operator, tried, scores) for operator, tried in by_operator.items()]
    return sorted(rates, key=lambda rate: -rate.attempts)


def usage(archive: Archive, run_id: str) -> Usage:
    """What a run has spent on models and evaluations."""
    with archive.reading() as connection:
        calls = connection.execute(_REPLY_SUMS, {"this_run": run_id}).one()
        work = connection.execute(_EVALUATION_SUMS, {"this_run": run_id}).one()
    return Usage(
        calls=int(calls.calls),
        prompt_tokens=int(calls.prompt_tokens),
        reply_tokens=int(calls.reply_tokens),
        price_usd=float(calls.price_usd),
        unpriced_calls=int(calls.unpriced_calls),
        evaluations=int(work.evaluations),
        cpu_s=float(work.cpu_s),
        wall_s=float(work.wall_s),
    )


Scores = Mapping[str, Mapping[Tier, AnyRow]]  # candidate -> tier -> the search evaluation that counts


def _search_scores(archive: Archive, run_id: str) -> Scores:
    found: dict[str, dict[Tier, AnyRow]] = defaultdict(dict)
    with archive.reading() as connection:
        for row in connection.execute(_SEARCH_SCORES, scope_of(connection, run_id, Split.SEARCH)):
            by_tier, tier = found[row.candidate_id], Tier(row.tier)
            if tier not in by_tier or by_tier[tier].outcome != Outcome.STOPPED:  # else the run ended it there
                by_tier[tier] = row
    return found


def _ending(attempt: Attempt, scores: Scores) -> str:
    if attempt.state is AttemptState.REJECTED:
        return "rejected"
    if attempt.twin_id is not None:
        return TWIN
    by_tier = scores.get(attempt.candidate_id or "", {})
    return str(by_tier[max(by_tier, key=_TIERS.index)].outcome) if by_tier else "unknown"


def _rate(operator: str, tried: Sequence[Attempt], scores: Scores) -> OperatorRate:
    endings = Counter(_ending(attempt, scores) for attempt in tried)
    return OperatorRate(
        operator=operator,
        attempts=len(tried),
        rejected=endings["rejected"],
        scored=endings[Outcome.SCORED],
        improved=sum(_improved(attempt, scores) for attempt in tried),
    )


def _improved(attempt: Attempt, scores: Scores) -> bool:
    """Whether the program beats its parent on the largest tier that scored both."""
    if _ending(attempt, scores) != Outcome.SCORED:
        return False
    own, parents = scores.get(attempt.candidate_id or "", {}), scores.get(attempt.parent_id, {})
    both = [tier for tier in own if tier in parents and own[tier].outcome == parents[tier].outcome == Outcome.SCORED]
    if not both:
        return False
    tier = max(both, key=_TIERS.index)
    return bool(own[tier].objective > parents[tier].objective)
