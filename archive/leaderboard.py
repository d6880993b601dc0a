"""Programs ranked by hold-out score within one league: one task identity, environment class and planner clock."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from archive.evaluation_mapping import League, environment_of, league_of
from archive.mapping import AnyRow, parameters_of
from archive.records import FounderRole, LeaderboardRow
from archive.schema import environments, evaluations, founders, instances, leagues, runs, tasks
from archive.store import Archive
from archive.twins import taken_over
from evaluators.contract import FLOOR, ParameterValue, Split, Tier
from evaluators.measure import Interval, mean_interval

MAX_ROWS = 100
_LARGEST_FIRST = (Tier.REPORT, Tier.FULL, Tier.QUICK)  # a smoke score is no score to list
_PAGE = 256
_MAX_PAGES = 40  # a program may be scored in many runs: pages are turned until enough different ones are found

_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_EVALUATIONS: BindParameter[Sequence[int]] = bindparam("evaluations", expanding=True)
_IN_LEAGUE = evaluations.c.league == bindparam("league")
_SCORED = evaluations.c.objective >= -1e300  # unlike IS NOT NULL, a range that every planner uses the index for
_BEST_FIRST = (
    select(evaluations.c.candidate_id)
    .where(_IN_LEAGUE, evaluations.c.split == bindparam("split"), evaluations.c.tier == bindparam("tier"), _SCORED)
    .order_by(evaluations.c.objective.desc(), evaluations.c.id)
    .limit(_PAGE)
    .offset(bindparam("start"))
)
_SCORES = (
    select(evaluations).where(_IN_LEAGUE, evaluations.c.candidate_id.in_(_IDS), _SCORED).order_by(evaluations.c.id)
)
_HOLDOUT_TIERS = (
    select(evaluations.c.tier, func.count().label("num"))
    .where(_IN_LEAGUE, evaluations.c.split == Split.HOLDOUT.value, _SCORED)
    .group_by(evaluations.c.tier)
)
_INSTANCES = (
    select(instances.c.evaluation_id, instances.c.regime, instances.c.score)
    .where(instances.c.evaluation_id.in_(_EVALUATIONS))
    .order_by(instances.c.evaluation_id, instances.c.ordinal)
)
_FOUNDERS = (
    select(founders.c.candidate_id, founders.c.role, founders.c.name)
    .join(runs, runs.c.id == founders.c.run_id)
    .where(runs.c.task_identity == bindparam("task_identity"), founders.c.candidate_id.in_(_IDS))
    .distinct()
)
_PARAMETERS = select(tasks.c.parameters).where(tasks.c.task_identity == bindparam("task_identity"))
_ENVIRONMENTS = select(environments).where(environments.c.digest.in_(_IDS))


@dataclass(frozen=True, slots=True)
class _Board:
    """What one league's rows are made of."""

    league: League
    parameters: Mapping[str, ParameterValue] | None  # None: nobody told them
    tier: Tier | None  # at which hold-out is ranked; None without any hold-out score
    scores: Mapping[str, Sequence[AnyRow]]  # candidate -> its scored evaluations, oldest first
    names: Mapping[str, str]
    baselines: frozenset[str]
    intervals: Mapping[int, Interval | None]  # by evaluation
    sandboxes: Mapping[str, str]  # by environment digest
    taken_over: Mapping[str, float]  # the search scores of twins


def leaderboard(
    archive: Archive,
    task: str | None = None,
    *,
    task_identity: str | None = None,
    environment_class: str | None = None,
    max_rows: int = MAX_ROWS,
) -> list[LeaderboardRow]:
    """The best programs of each league, ranked apart from the other leagues, best first.

    Ranks are by hold-out score on the tier that most hold-out scores of the league have; equal scores share a rank.
    Programs without such a score follow unranked, by validation, then by search score. Only scored evaluations count;
    of several runs' the mean is shown, and of a run's validations the first: the others are looks at a champion, on
    instances that no other program has seen. A twin shows the search score that it took over.

    Args:
        archive: An open archive.
        task: Only this task's name.
        task_identity: Only this task with these parameters.
        environment_class: Only scores of this kind of machine.
        max_rows: Per league.
    """
    filters = {"task": task, "task_identity": task_identity, "environment_class": environment_class}
    wanted = select(leagues).order_by(leagues.c.task, leagues.c.task_identity, leagues.c.environment_class)
    for column, value in filters.items():
        if value is not None:
            wanted = wanted.where(leagues.c[column] == value)
    with archive.reading() as connection:
        boards = [_board(connection, league_of(row), max_rows) for row in connection.execute(wanted).all()]
    return [row for board in boards for row in _rows(board)]


def scored_tasks(archive: Archive) -> list[str]:
    """The names of the tasks of which anything was evaluated, sorted."""
    with archive.reading() as connection:
        return list(connection.execute(select(leagues.c.task).distinct().order_by(leagues.c.task)).scalars())


def _board(connection: Connection, league: League, max_rows: int) -> _Board:
    in_league = {"league": league.digest}
    listed = _listed(connection, league, max_rows)
    scores = defaultdict(list)
    for row in connection.execute(_SCORES, in_league | {"ids": listed}):
        scores[row.candidate_id].append(row)
    shown = [row for rows in scores.values() for row in rows if row.split == Split.HOLDOUT]
    founding = connection.execute(_FOUNDERS, {"task_identity": league.task_identity, "ids": listed}).all()
    parameters = connection.execute(_PARAMETERS, {"task_identity": league.task_identity}).scalar()
    return _Board(
        league=league,
        parameters=None if parameters is None else parameters_of(parameters),
        tier=_ranked_tier(connection.execute(_HOLDOUT_TIERS, in_league).all()),
        scores={candidate_id: scores[candidate_id] for candidate_id in listed},
        names={row.candidate_id: row.name for row in founding},
        baselines=frozenset(row.candidate_id for row in founding if row.role == FounderRole.BASELINE),
        intervals=_intervals(connection, [row.id for row in shown]),
        sandboxes=_sandboxes(connection, {row.environment for rows in scores.values() for row in rows}),
        taken_over=taken_over(connection, league.digest, listed),
    )


def _listed(connection: Connection, league: League, max_rows: int) -> list[str]:
    """The candidates to show: best hold-out scores, then best validation, then best search, larger tiers first."""
    listed: dict[str, None] = {}
    for split in (Split.HOLDOUT, Split.VALIDATION, Split.SEARCH):
        for tier in _LARGEST_FIRST:
            for candidate_id in _best_first(connection, league, split, tier):
                if len(listed) == max_rows:
                    return list(listed)
                listed.setdefault(candidate_id)
    return list(listed)


def _best_first(connection: Connection, league: League, split: Split, tier: Tier) -> Iterable[str]:
    """Candidates by their score, read page by page; one may come several times."""
    place = {"league": league.digest, "split": split.value, "tier": tier.value}
    for page in range(_MAX_PAGES):
        ids = connection.execute(_BEST_FIRST, place | {"start": page * _PAGE}).scalars().all()
        yield from ids
        if len(ids) < _PAGE:
            return


def _ranked_tier(counts: Sequence[AnyRow]) -> Tier | None:
    """The tier with most hold-out scores; of equals the larger."""
    by_tier = Counter({Tier(row.tier): row.num for row in counts})
    return max(_LARGEST_FIRST, key=lambda tier: by_tier[tier]) if by_tier else None


def _intervals(connection: Connection, evaluation_ids: Sequence[int]) -> dict[int, Interval | None]:
    scores, regimes = defaultdict(list), defaultdict(list)
    for row in connection.execute(_INSTANCES, {"evaluations": evaluation_ids}):
        scores[row.evaluation_id].append(FLOOR if row.score is None else row.score)
        regimes[row.evaluation_id].append(row.regime)
    return {number: mean_interval(scores[number], regimes[number]) for number in scores}


def _sandboxes(connection: Connection, digests: Collection[str]) -> dict[str, str]:
    rows = connection.execute(_ENVIRONMENTS, {"ids": sorted(digests)})
    return {row.digest: environment_of(row).sandbox for row in rows}


def _rows(board: _Board) -> list[LeaderboardRow]:
    """The rows of one league: the ranked ones, then the others in the order listed."""
    rows = [_row(board, candidate_id) for candidate_id in board.scores]
    ranked = sorted((row for row in rows if _is_ranked(board, row)), key=lambda row: -(row.holdout or 0.0))
    first_places: dict[float | None, int] = {}
    for place, row in enumerate(ranked, start=1):
        first_places.setdefault(row.holdout, place)
    unranked = [row for row in rows if not _is_ranked(board, row)]
    return [replace(row, rank=first_places[row.holdout]) for row in ranked] + unranked


def _is_ranked(board: _Board, row: LeaderboardRow) -> bool:
    return row.holdout is not None and row.tier == board.tier


def _row(board: _Board, candidate_id: str) -> LeaderboardRow:
    """One program's row, not ranked yet."""
    scores = board.scores[candidate_id]
    holdout = _largest(scores, Split.HOLDOUT, prefer=board.tier)
    validation, search = _largest(scores, Split.VALIDATION), _largest(scores, Split.SEARCH)
    listing = (holdout or validation or search)[-1]  # the newest of the score that lists the row
    interval = board.intervals[listing.id] if holdout else None
    return LeaderboardRow(
        rank=None,
        candidate_id=candidate_id,
        name=board.names.get(candidate_id) or _evolved_name(scores[0]),
        baseline=candidate_id in board.baselines,
        holdout=_mean(holdout),
        holdout_low=interval.low if interval else None,
        holdout_high=interval.high if interval else None,
        validation=_mean(_first_of_each_run(validation)),
        search=_mean(search) if search else board.taken_over.get(candidate_id),
        task=board.league.task,
        task_identity=board.league.task_identity,
        parameters=board.parameters,
        environment_class=board.league.environment_class,
        sandbox=board.sandboxes[listing.environment],
        tier=listing.tier,
        planner_clock=board.league.planner_clock,
    )


def _largest(scores: Sequence[AnyRow], split: Split, prefer: Tier | None = None) -> list[AnyRow]:
    """The evaluations on `split` of the tier `prefer`, else of the largest tier that has any."""
    for tier in (prefer, *_LARGEST_FIRST):
        found = [row for row in scores if row.split == split and row.tier == tier]
        if found:
            return found
    return []


def _first_of_each_run(scores: Sequence[AnyRow]) -> list[AnyRow]:
    """Without what a run paid for later; those that no run paid for are all kept."""
    paid = {row.run_id: row for row in reversed(scores) if row.run_id is not None}
    return [row for row in scores if row.run_id is None or row is paid[row.run_id]]


def _mean(scores: Sequence[AnyRow]) -> float | None:
    return fmean(row.objective for row in scores) if scores else None


def _evolved_name(first: AnyRow) -> str:
    """Run and attempt that made it, or the start of its id."""
    if first.run_id is None or first.attempt_index is None:
        return str(first.candidate_id[:10])
    return f"{first.run_id}/{first.attempt_index}"
