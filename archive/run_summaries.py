"""What every run is, how far it came, and what it asked of its models."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from archive.mapping import AnyRow
from archive.schema import attempts, replies, runs
from archive.store import Archive

_BY_MODEL = (
    select(
        replies.c.model,
        func.count().label("calls"),
        func.count(func.distinct(replies.c.attempt_index)).label("attempts"),
        func.sum(replies.c.prompt_tokens).label("prompt_tokens"),
        func.sum(replies.c.reply_tokens).label("reply_tokens"),
        func.coalesce(func.sum(replies.c.price_usd), 0.0).label("price_usd"),
        (func.count() - func.count(replies.c.price_usd)).label("unpriced_calls"),
        func.avg(replies.c.latency_s).label("mean_latency_s"),
    )
    .where(replies.c.run_id == bindparam("this_run"))
    .group_by(replies.c.model)
    .order_by(replies.c.model)
)
_LAST_OF_EACH = [
    select(func.max(column)).where(attempts.c.run_id == runs.c.id).scalar_subquery()
    for column in (attempts.c.attempt_index, attempts.c.tell_order)
]
_SUMMARIES = select(runs, _LAST_OF_EACH[0].label("last_index"), _LAST_OF_EACH[1].label("last_tell")).order_by(
    runs.c.created_at.desc(), runs.c.id
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUse:
    """What a run asked of one model, and what it cost."""

    model: str
    calls: int
    attempts: int
    prompt_tokens: int
    reply_tokens: int
    price_usd: float  # of the calls whose price is known
    unpriced_calls: int
    mean_latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run and how far it is."""

    run_id: str
    task: str
    task_identity: str
    parameters: str  # JSON
    config: str  # JSON
    status: str
    created_at: str
    lease_expires_at: float | None  # Unix seconds; None after a clean end
    asked: int
    told: int


def run_summaries(archive: Archive) -> list[RunSummary]:
    """Every run, newest first, with how many attempts it asked and told."""
    with archive.reading() as connection:
        return [_summary(row) for row in connection.execute(_SUMMARIES)]


def model_uses(archive: Archive, run_id: str) -> list[ModelUse]:
    """What the run asked of each model; empty for a run without models."""
    with archive.reading() as connection:
        rows = connection.execute(_BY_MODEL, {"this_run": run_id}).all()
    return [
        ModelUse(
            model=row.model,
            calls=row.calls,
            attempts=row.attempts,
            prompt_tokens=int(row.prompt_tokens),
            reply_tokens=int(row.reply_tokens),
            price_usd=float(row.price_usd),
            unpriced_calls=row.unpriced_calls,
            mean_latency_s=float(row.mean_latency_s),
        )
        for row in rows
    ]


def _summary(row: AnyRow) -> RunSummary:
    return RunSummary(
        run_id=row.id,
        task=row.task,
        task_identity=row.task_identity,
        parameters=row.parameters,
        config=row.config,
        status=row.status,
        created_at=row.created_at,
        lease_expires_at=row.lease_expires_at,
        asked=0 if row.last_index is None else row.last_index + 1,
        told=0 if row.last_tell is None else row.last_tell + 1,
    )
