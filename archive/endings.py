"""How a run ended: who was validated, and the hold-out scores of its programs; nothing here writes.

The champion itself is not archived: it follows from the validations (`evolve.run.champion`). Those on the run's own
seeds are read whichever run paid for them, for a repeat of a run finds them made, but in the run's league alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BindParameter, bindparam, func, or_, select, text

from archive import schema
from archive.evaluation_mapping import League, league_of
from archive.records import EvaluationKey, Founder, FounderRole, Run, StoredEvaluation
from archive.run_scope import IN_LEAGUE, scope_of
from archive.schema import attempts, evaluations, founders, leagues
from archive.store import Archive
from evaluators.contract import Split, Tier
from evaluators.seeding import SeedSource

MAX_CONTENDERS = 40  # with a higher validation score than the initial program, read to find one that is shown better

_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_OF_SEEDS = (evaluations.c.split == bindparam("split")) & (evaluations.c.seeds == bindparam("seeds"))
_LEAGUE = (
    select(leagues)
    .join(evaluations, evaluations.c.league == leagues.c.digest)
    .where(
        evaluations.c.candidate_id == bindparam("candidate"),
        evaluations.c.tier == Tier.QUICK.value,
        IN_LEAGUE,
        _OF_SEEDS,
    )
    .order_by(evaluations.c.id.desc())
    .limit(1)
)
_MADE_HERE = select(attempts.c.candidate_id).where(
    attempts.c.run_id == bindparam("this_run"),
    attempts.c.candidate_id == evaluations.c.candidate_id,
    text(schema.PASSED_THE_GATE),
)
_BEGUN_WITH = select(founders.c.candidate_id).where(
    founders.c.run_id == bindparam("this_run"),
    founders.c.candidate_id == evaluations.c.candidate_id,
    founders.c.role == FounderRole.INITIAL.value,
)
_CONTENDERS = (
    select(evaluations.c.candidate_id)
    .where(
        evaluations.c.league == bindparam("league"),
        evaluations.c.tier == Tier.QUICK.value,
        evaluations.c.objective > bindparam("above"),
        _OF_SEEDS,
        or_(_MADE_HERE.exists(), _BEGUN_WITH.exists()),
    )
    .order_by(evaluations.c.objective.desc(), evaluations.c.id)
    .limit(MAX_CONTENDERS)
)
_SCORES = select(evaluations.c.candidate_id, evaluations.c.tier, evaluations.c.objective).where(
    evaluations.c.candidate_id.in_(_IDS), evaluations.c.league == bindparam("league"), _OF_SEEDS
)
_PAID_FOR = (
    select(evaluations.c.split, func.count().label("num"))
    .where(evaluations.c.run_id == bindparam("this_run"), evaluations.c.attempt_index.is_(None))
    .group_by(evaluations.c.split)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """A run whose initial program was validated: what its champion follows from."""

    run: Run
    league: League
    founders: Sequence[Founder]
    initial: StoredEvaluation  # its validation
    contenders: Sequence[StoredEvaluation]  # higher validations of what the run made or began with, best first

    @property
    def initial_id(self) -> str:
        """The program that gains are measured against."""
        return self.initial.candidate_id


def judging_of(archive: Archive, run_id: str) -> Judging | None:
    """What the champion of a run follows from; None before the initial program is validated."""
    run, begun_with = archive.run(run_id), archive.founders(run_id)
    seeds = SeedSource(run.secret, Split.VALIDATION).digest()
    initial_id = next((f.candidate_id for f in begun_with if f.role is FounderRole.INITIAL), "")
    wanted = {"split": Split.VALIDATION.value, "seeds": seeds}
    with archive.reading() as connection:
        scope = scope_of(connection, run_id, Split.VALIDATION)
        row = connection.execute(_LEAGUE, scope | wanted | {"candidate": initial_id}).one_or_none()
    if row is None:
        return None
    league = league_of(row)
    key = _key(run, league, Tier.QUICK, Split.VALIDATION, seeds)
    initial = archive.find_evaluation(replace(key, candidate_id=initial_id))
    if initial is None:
        return None
    above = -1e300 if initial.evaluation.objective is None else initial.evaluation.objective
    with archive.reading() as connection:
        of_run = {"this_run": run_id, "league": league.digest, "above": above}
        ids = connection.execute(_CONTENDERS, wanted | of_run).scalars().all()
    found = [archive.find_evaluation(replace(key, candidate_id=candidate_id)) for candidate_id in dict.fromkeys(ids)]
    contenders = [stored for stored in found if stored is not None]
    return Judging(run=run, league=league, founders=begun_with, initial=initial, contenders=contenders)


def holdout_scores(archive: Archive, judging: Judging, ids: Sequence[str]) -> Mapping[str, Mapping[Tier, float | None]]:
    """The hold-out scores of these programs by tier; None for one that failed there."""
    wanted = {"split": Split.HOLDOUT.value, "seeds": _holdout_seeds(archive)}
    found: dict[str, dict[Tier, float | None]] = defaultdict(dict)
    with archive.reading() as connection:
        for row in connection.execute(_SCORES, wanted | {"ids": list(ids), "league": judging.league.digest}):
            found[row.candidate_id][Tier(row.tier)] = row.objective
    return found


def holdout_of(archive: Archive, judging: Judging, candidate_id: str, tier: Tier) -> StoredEvaluation | None:
    """The hold-out evaluation of one program, instances included."""
    key = _key(judging.run, judging.league, tier, Split.HOLDOUT, _holdout_seeds(archive))
    return archive.find_evaluation(replace(key, candidate_id=candidate_id))


def paid_without_attempt(archive: Archive, run_id: str) -> dict[str, int]:
    """By split: how many evaluations the run paid for at its start, its looks and its end."""
    with archive.reading() as connection:
        return {row.split: row.num for row in connection.execute(_PAID_FOR, {"this_run": run_id})}


def _holdout_seeds(archive: Archive) -> str:
    return SeedSource(archive.holdout_secret(), Split.HOLDOUT).digest()


def _key(run: Run, league: League, tier: Tier, split: Split, seeds: str) -> EvaluationKey:
    """The key of such an evaluation but for the candidate."""
    return EvaluationKey(
        candidate_id="",
        task_identity=run.task_identity,
        tier=tier,
        split=split,
        seeds=seeds,
        environment_class=league.environment_class,
        planner_clock=league.planner_clock,
    )
