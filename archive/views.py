"""What a viewer asks of a program, and of all that went wrong; nothing here writes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, func, select, text

from archive import schema
from archive.evaluation_mapping import League, environment_of, league_of
from archive.mapping import attempt_of, founder_of
from archive.records import Attempt, Founder
from archive.schema import attempts, environments, evaluations, founders, instances, leagues, runs
from archive.store import Archive
from evaluators.contract import Environment, Outcome, Split, Tier

MAX_POINTS = 2_000  # programs read for a scatter of two metrics
MAX_LINEAGE = 400  # programs of a tree

_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_NUMBERS: BindParameter[Sequence[int]] = bindparam("numbers", expanding=True)
_RUN_IDS = select(runs.c.id).order_by(runs.c.created_at.desc(), runs.c.id)
_MADE_BY = (
    select(attempts)
    .where(
        attempts.c.run_id == bindparam("this_run"),
        attempts.c.candidate_id == bindparam("candidate"),
        text(schema.PASSED_THE_GATE),
    )
    .order_by(attempts.c.attempt_index)
    .limit(1)
)
_MAKERS = (
    select(attempts)
    .where(attempts.c.run_id == bindparam("this_run"), attempts.c.candidate_id.in_(_IDS), text(schema.PASSED_THE_GATE))
    .order_by(attempts.c.attempt_index.desc())
)
_FOUNDINGS = select(founders).where(founders.c.candidate_id == bindparam("candidate")).order_by(founders.c.run_id)
_CHILDREN = (
    select(attempts)
    .where(
        attempts.c.run_id == bindparam("this_run"),
        attempts.c.parent_id == bindparam("parent"),
        attempts.c.tell_order >= 0,
        attempts.c.candidate_id.is_not(None),
    )
    .order_by(attempts.c.tell_order.desc())
    .limit(bindparam("page"))
)
_LEAGUES = select(leagues).order_by(leagues.c.task, leagues.c.task_identity, leagues.c.environment_class)
_OUTCOMES = select(evaluations.c.league, evaluations.c.outcome, func.count().label("num")).group_by(
    evaluations.c.league, evaluations.c.outcome
)
_FAILURES = (
    select(
        evaluations.c.id,
        evaluations.c.candidate_id,
        evaluations.c.run_id,
        evaluations.c.attempt_index,
        evaluations.c.tier,
        evaluations.c.split,
        evaluations.c.outcome,
        evaluations.c.created_at,
    )
    .where(evaluations.c.league == bindparam("league"), evaluations.c.outcome == bindparam("outcome"))
    .order_by(evaluations.c.id.desc())
    .limit(bindparam("page"))
)
_REASONS = (
    select(instances.c.evaluation_id, instances.c.name, instances.c.detail)
    .where(instances.c.evaluation_id.in_(_NUMBERS), instances.c.outcome != Outcome.SCORED.value)
    .order_by(instances.c.evaluation_id, instances.c.detail != "", instances.c.ordinal.desc())
)
_POINTS = (
    select(evaluations.c.candidate_id, evaluations.c.objective, evaluations.c.metrics)
    .where(
        evaluations.c.league == bindparam("league"),
        evaluations.c.split == bindparam("split"),
        evaluations.c.tier == bindparam("tier"),
        evaluations.c.objective >= -1e300,  # a range that every planner uses the index for
    )
    .order_by(evaluations.c.objective.desc(), evaluations.c.id)
    .limit(bindparam("page"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An evaluation that gave no score."""

    league: League
    candidate_id: str
    run_id: str | None
    attempt_index: int | None
    tier: str
    split: str
    outcome: str
    reason: str  # of the first failed instance that says why; words of the program may be among it
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A scored program with its metrics."""

    candidate_id: str
    objective: float
    metrics: dict[str, float]


def maker(archive: Archive, candidate_id: str) -> Attempt | None:
    """The first attempt that made the candidate and got it past the gate, in the newest run that did."""
    with archive.reading() as connection:
        for run_id in connection.execute(_RUN_IDS).scalars().all():
            row = connection.execute(_MADE_BY, {"this_run": run_id, "candidate": candidate_id}).one_or_none()
            if row is not None:
                return attempt_of(row)
    return None


def foundings(archive: Archive, candidate_id: str) -> list[Founder]:
    """The runs that started with the candidate."""
    with archive.reading() as connection:
        return [founder_of(row) for row in connection.execute(_FOUNDINGS, {"candidate": candidate_id})]


def children(archive: Archive, run_id: str, parent_id: str, max_rows: int = 50) -> list[Attempt]:
    """The attempts that changed the candidate and ended, newest first."""
    wanted = {"this_run": run_id, "parent": parent_id, "page": max_rows}
    with archive.reading() as connection:
        return [attempt_of(row) for row in connection.execute(_CHILDREN, wanted)]


def ancestry(archive: Archive, run_id: str, ids: Sequence[str], max_rows: int = MAX_LINEAGE) -> list[Attempt]:
    """The attempts that led to any of `ids`, generation by generation, at most `max_rows`; founders have none."""
    found: dict[str, Attempt] = {}
    wanted = list(dict.fromkeys(ids))[:max_rows]
    with archive.reading() as connection:
        while wanted and len(found) < max_rows:
            rows = connection.execute(_MAKERS, {"this_run": run_id, "ids": wanted}).all()
            made = {str(row.candidate_id): attempt_of(row) for row in rows}  # the earliest one stays
            found |= made
            parents = dict.fromkeys(attempt.parent_id for attempt in made.values())
            wanted = [parent for parent in parents if parent not in found][: max_rows - len(found)]
    return sorted(found.values(), key=lambda attempt: attempt.index)


def all_leagues(archive: Archive) -> list[League]:
    """What scores may be ranked together in, by task."""
    with archive.reading() as connection:
        return [league_of(row) for row in connection.execute(_LEAGUES)]


def league_outcomes(archive: Archive) -> dict[str, Counter[str]]:
    """By league digest: how its evaluations ended, all tiers and splits together."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    with archive.reading() as connection:
        for row in connection.execute(_OUTCOMES):
            counts[row.league][row.outcome] = row.num
    return dict(counts)


def failures(archive: Archive, outcome: Outcome, max_rows: int = 50) -> list[Failure]:
    """The newest evaluations of each league that ended as `outcome`, at most `max_rows` per league."""
    found = []
    with archive.reading() as connection:
        for league in [league_of(row) for row in connection.execute(_LEAGUES)]:
            wanted = {"league": league.digest, "outcome": outcome.value, "page": max_rows}
            rows = connection.execute(_FAILURES, wanted).all()
            reasons = connection.execute(_REASONS, {"numbers": [row.id for row in rows]}).all()
            texts = {row.evaluation_id: f"{row.name}: {row.detail}" if row.detail else row.name for row in reasons}
            found += [
                Failure(
                    league=league,
                    candidate_id=row.candidate_id,
                    run_id=row.run_id,
                    attempt_index=row.attempt_index,
                    tier=row.tier,
                    split=row.split,
                    outcome=row.outcome,
                    reason=texts.get(row.id, ""),
                    created_at=row.created_at,
                )
                for row in rows
            ]
    return found


def metric_points(
    archive: Archive, league: League, split: Split, tier: Tier, max_rows: int = MAX_POINTS
) -> list[Point]:
    """The best programs of a league with their metrics, best first."""
    wanted = {"league": league.digest, "split": split.value, "tier": tier.value, "page": max_rows}
    with archive.reading() as connection:
        rows = connection.execute(_POINTS, wanted).all()
    return [
        Point(candidate_id=row.candidate_id, objective=row.objective, metrics=_numbers(row.metrics)) for row in rows
    ]


def all_environments(archive: Archive) -> list[Environment]:
    """Every environment that evaluations were made in."""
    with archive.reading() as connection:
        return [environment_of(row) for row in connection.execute(select(environments).order_by(environments.c.digest))]


def _numbers(document: str) -> dict[str, float]:
    return {str(name): float(value) for name, value in json.loads(document).items()}
