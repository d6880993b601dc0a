"""Programs that behave as earlier ones: whose search scores they take over; nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, func, select, text

from archive import schema
from archive.records import AttemptState
from archive.schema import attempts, evaluations
from evaluators.contract import Outcome, Split, Tier

SCORED_ID: ColumnElement[str] = func.coalesce(attempts.c.neighbour_id, attempts.c.candidate_id)  # of a recorded attempt

_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_TWINS = select(attempts.c.candidate_id, attempts.c.neighbour_id).where(
    attempts.c.run_id == bindparam("this_run"),
    attempts.c.candidate_id.in_(_IDS),
    attempts.c.neighbour_id.is_not(None),
    attempts.c.state == AttemptState.RECORDED.value,
    text(schema.PASSED_THE_GATE),
)
_OWN, _THEIRS = evaluations.alias("own"), evaluations.alias("theirs")
_TAKEN_OVER = (  # what tells a twin ends its evaluation early, and that end is archived with its attempt
    select(_OWN.c.candidate_id, _THEIRS.c.objective)
    .select_from(
        _OWN.join(
            attempts,
            (attempts.c.run_id == _OWN.c.run_id) & (attempts.c.attempt_index == _OWN.c.attempt_index),
        ).join(
            _THEIRS,
            (_THEIRS.c.candidate_id == attempts.c.neighbour_id)
            & (_THEIRS.c.league == _OWN.c.league)
            & (_THEIRS.c.seeds == _OWN.c.seeds)
            & (_THEIRS.c.tier == _OWN.c.tier)
            & (_THEIRS.c.split == _OWN.c.split),
        )
    )
    .where(
        _OWN.c.candidate_id.in_(_IDS),
        _OWN.c.tier == Tier.QUICK.value,
        _OWN.c.split == Split.SEARCH.value,
        _OWN.c.outcome == Outcome.STOPPED.value,
        _OWN.c.league == bindparam("league"),
        _THEIRS.c.outcome == Outcome.SCORED.value,
        attempts.c.state == AttemptState.RECORDED.value,
    )
    .order_by(_OWN.c.id)
)


def twins_of(connection: Connection, run_id: str, ids: Sequence[str]) -> dict[str, str]:
    """Those of `ids` that the run found to behave as an earlier candidate, with that candidate."""
    rows = connection.execute(_TWINS, {"this_run": run_id, "ids": list(ids)})
    return {row.candidate_id: row.neighbour_id for row in rows}


def taken_over(connection: Connection, league: str, ids: Sequence[str]) -> dict[str, float]:
    """The search scores that those of `ids` which are twins took over; `league` is a digest."""
    rows = connection.execute(_TAKEN_OVER, {"league": league, "ids": list(ids)})
    return {row.candidate_id: float(row.objective) for row in rows}
