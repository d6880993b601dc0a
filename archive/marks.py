"""The scatter of a run: search scores over tells, thinned out in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, bindparam, case, cast, func, select

from archive.records import AttemptState
from archive.run_scope import OF_RUN, scope_of
from archive.schema import attempts, evaluations
from archive.store import Archive
from archive.twins import SCORED_ID
from evaluators.contract import Outcome, Split, Tier

MAX_MARKS = 3_000
MAX_COLOURS = 8
OTHERS = "others"

_own = evaluations.alias("own")
_OF_RUN = attempts.c.run_id == bindparam("this_run")
_STOPPED = (  # whoever finished the program otherwise
    select(_own.c.id)
    .where(
        _own.c.candidate_id == SCORED_ID,
        _own.c.run_id == bindparam("this_run"),
        _own.c.outcome == Outcome.STOPPED.value,
    )
    .exists()
)
_TOP: BindParameter[Sequence[str]] = bindparam("top", expanding=True)


class ColourBy(StrEnum):
    """What tells the marks of a scatter apart."""

    ISLAND = "island"
    MODEL = "model"
    OPERATOR = "operator"


_COLOUR_COLUMNS: dict[ColourBy, ColumnElement[str]] = {
    ColourBy.ISLAND: cast(attempts.c.island, attempts.c.operator.type),
    ColourBy.MODEL: attempts.c.proposer,
    ColourBy.OPERATOR: attempts.c.operator,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point of a scatter: the best of the attempts told in one stretch, of one colour."""

    tell_order: int
    score: float
    candidate_id: str
    colour: str
    attempts: int  # that it stands for


def score_marks(archive: Archive, run_id: str, colour_by: ColourBy, max_marks: int = MAX_MARKS) -> list[Mark]:
    """The search scores of a run over its tells, grouped in the database to at most `max_marks` points.

    Colours beyond the `MAX_COLOURS` - 1 most frequent become `OTHERS`.
    """
    column = _COLOUR_COLUMNS[colour_by]
    counts = (
        select(column.label("colour"), func.count().label("num"))
        .where(_OF_RUN, attempts.c.tell_order >= 0)
        .group_by(column)
        .order_by(func.count().desc(), column)
    )
    last = select(func.max(attempts.c.tell_order)).where(_OF_RUN)
    with archive.reading() as connection:
        colours = [row.colour for row in connection.execute(counts, {"this_run": run_id})]
        last_tell = connection.execute(last, {"this_run": run_id}).scalar()
        if last_tell is None:
            return []
        top = colours if len(colours) <= MAX_COLOURS else colours[: MAX_COLOURS - 1]
        num_bins = max(1, max_marks // min(len(colours), MAX_COLOURS))
        width = -(-(last_tell + 1) // num_bins)
        wanted = scope_of(connection, run_id, Split.SEARCH) | {"top": top, "width": width}
        rows = connection.execute(_marks(column), wanted).all()
    return [
        Mark(
            tell_order=row.tell_order,
            score=row.objective,
            candidate_id=row.candidate_id,
            colour=row.colour,
            attempts=row.num,
        )
        for row in rows
    ]


def _marks(column: ColumnElement[str]) -> Select[Any]:
    """The best attempt of each bin of tells and colour, with the size of its bin."""
    scored = (
        select(
            attempts.c.tell_order,
            attempts.c.candidate_id,
            evaluations.c.objective,
            case((column.in_(_TOP), column), else_=OTHERS).label("colour"),
            (attempts.c.tell_order // bindparam("width", type_=Integer)).label("bin"),
        )
        .join(evaluations, evaluations.c.candidate_id == SCORED_ID)
        .where(
            _OF_RUN,
            attempts.c.tell_order >= 0,
            attempts.c.state == AttemptState.RECORDED.value,
            evaluations.c.tier == Tier.QUICK.value,
            evaluations.c.outcome == Outcome.SCORED.value,
            OF_RUN,
            ~_STOPPED,
        )
        .subquery()
    )
    group, best_first = (scored.c.bin, scored.c.colour), (scored.c.objective.desc(), scored.c.tell_order)
    ranked = select(
        *scored.c,
        func.row_number().over(partition_by=group, order_by=best_first).label("place"),
        func.count().over(partition_by=group).label("num"),
    ).subquery()
    return select(*ranked.c).where(ranked.c.place == 1).order_by(ranked.c.tell_order)
