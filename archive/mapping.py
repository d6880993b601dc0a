"""Records to rows and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from archive.errors import ArchiveError
from archive.packing import capped, digest_of, finite, json_text, pack_text, unpack_text
from archive.records import (
    Attempt,
    AttemptState,
    Candidate,
    EvaluationKey,
    Founder,
    FounderRole,
    ModelReply,
    Note,
    NoteKind,
    Run,
    RunStatus,
    candidate_id,
)
from evaluators.contract import ParameterValue

AnyRow = Row[Any]
Values = dict[str, Any]  # column name -> what the driver binds

MAX_SOURCE_CHARS = 1 << 20
MAX_LINE_CHARS = 2_000  # of a change, a rejection, a failure's detail
MAX_TEXT_CHARS = 16_000  # of feedback and notes


def key_digest(key: EvaluationKey) -> str:
    """What stands for `key` in the unique index."""
    parts = [key.candidate_id, key.task_identity, str(key.tier), str(key.split), key.seeds]
    return digest_of(json.dumps([*parts, key.environment_class, key.planner_clock]))


def run_values(run: Run) -> Values:
    """The row of `run`, its lease left empty."""
    return {
        "id": run.id,
        "task": run.task,
        "task_identity": run.task_identity,
        "parameters": json_text(run.parameters, f"run {run.id}"),
        "seed": run.seed,
        "secret": run.secret,
        "config": run.config,
        "software": run.software,
        "created_at": run.created_at,
        "status": run.status.value,
    }


def run_of(row: AnyRow) -> Run:
    """The run in `row`."""
    return Run(
        id=row.id,
        task=row.task,
        task_identity=row.task_identity,
        parameters=parameters_of(row.parameters),
        seed=row.seed,
        secret=row.secret,
        config=row.config,
        software=row.software,
        created_at=row.created_at,
        status=RunStatus(row.status),
    )


def task_values(task: str, task_identity: str, parameters: Mapping[str, ParameterValue]) -> Values:
    """The row of a task under these parameters."""
    content = json_text(parameters, f"the parameters of task {task}")
    return {"task_identity": task_identity, "task": task, "parameters": content}


def parameters_of(text: str) -> dict[str, ParameterValue]:
    """The task parameters that a row holds as JSON."""
    return {str(name): value for name, value in json.loads(text).items()}


def candidate_values(candidate: Candidate) -> Values:
    """The row of `candidate`.

    Raises:
        ArchiveError: The id is not the SHA-256 of the source, or the source is too long.
    """
    expected = candidate_id(candidate.source)
    if candidate.id != expected:
        raise ArchiveError(f"expected candidate id {expected}, the SHA-256 of its source, found {candidate.id!r}")
    if len(candidate.source) > MAX_SOURCE_CHARS:
        found = len(candidate.source)
        raise ArchiveError(f"expected a program of at most {MAX_SOURCE_CHARS} characters, found {found}")
    return {"id": candidate.id, "source": pack_text(candidate.source), "ast_digest": candidate.ast_digest}


def candidate_of(row: AnyRow) -> Candidate:
    """The candidate in `row`."""
    return Candidate(id=row.id, source=unpack_text(row.source), ast_digest=row.ast_digest)


def founder_values(founder: Founder) -> Values:
    """The row of `founder`."""
    return {
        "run_id": founder.run_id,
        "ordinal": founder.ordinal,
        "role": founder.role.value,
        "name": founder.name,
        "candidate_id": founder.candidate_id,
    }


def founder_of(row: AnyRow) -> Founder:
    """The founder in `row`."""
    return Founder(
        run_id=row.run_id,
        ordinal=row.ordinal,
        role=FounderRole(row.role),
        name=row.name,
        candidate_id=row.candidate_id,
    )


def attempt_values(attempt: Attempt) -> Values:
    """The row of `attempt`."""
    return attempt_fate(attempt) | {
        "run_id": attempt.run_id,
        "attempt_index": attempt.index,
        "island": attempt.island,
        "proposer": attempt.proposer,
        "parent_id": attempt.parent_id,
        "inspirations": " ".join(attempt.inspiration_ids),
        "num_tells": attempt.num_tells,
        "asked_at": attempt.asked_at,
    }


def attempt_fate(attempt: Attempt) -> Values:
    """The columns that a later step of `attempt` changes."""
    return {
        "state": attempt.state.value,
        "operator": str(attempt.operator),  # the proposer may have fallen back to another one
        "candidate_id": attempt.candidate_id,
        "change": capped(attempt.change, MAX_LINE_CHARS),
        "rejection": capped(attempt.rejection, MAX_LINE_CHARS),
        "neighbour_id": attempt.neighbour_id,
        "tell_order": attempt.tell_order,
        "told_at": attempt.told_at,
    }


def attempt_of(row: AnyRow) -> Attempt:
    """The attempt in `row`."""
    return Attempt(
        run_id=row.run_id,
        index=row.attempt_index,
        state=AttemptState(row.state),
        island=row.island,
        proposer=row.proposer,
        operator=row.operator,
        parent_id=row.parent_id,
        inspiration_ids=tuple(row.inspirations.split()),
        candidate_id=row.candidate_id,
        change=row.change,
        rejection=row.rejection,
        neighbour_id=row.neighbour_id,
        num_tells=row.num_tells,
        tell_order=row.tell_order,
        asked_at=row.asked_at,
        told_at=row.told_at,
    )


def reply_values(reply: ModelReply) -> Values:
    """The row of `reply`; prompt and reply are kept whole, for they were paid for."""
    what = f"reply {reply.ordinal} of attempt {reply.attempt_index}"
    return {
        "run_id": reply.run_id,
        "attempt_index": reply.attempt_index,
        "ordinal": reply.ordinal,
        "model": reply.model,
        "prompt": pack_text(reply.prompt),
        "reply": pack_text(reply.reply),
        "finish_reason": capped(reply.finish_reason, MAX_LINE_CHARS),
        "prompt_tokens": reply.prompt_tokens,
        "reply_tokens": reply.reply_tokens,
        "price_usd": None if reply.price_usd is None else finite(reply.price_usd, f"the price of {what}"),
        "latency_s": finite(reply.latency_s, f"the latency of {what}"),
    }


def reply_of(row: AnyRow) -> ModelReply:
    """The reply in `row`."""
    return ModelReply(
        run_id=row.run_id,
        attempt_index=row.attempt_index,
        ordinal=row.ordinal,
        model=row.model,
        prompt=unpack_text(row.prompt),
        reply=unpack_text(row.reply),
        finish_reason=row.finish_reason,
        prompt_tokens=row.prompt_tokens,
        reply_tokens=row.reply_tokens,
        price_usd=row.price_usd,
        latency_s=row.latency_s,
    )


def note_values(note: Note) -> Values:
    """The row of `note`."""
    return {
        "kind": note.kind.value,
        "run_id": note.run_id,
        "candidate_id": note.candidate_id,
        "text": capped(note.text, MAX_TEXT_CHARS),
        "created_at": note.created_at,
        "attempt_index": note.attempt_index,
    }


def note_of(row: AnyRow) -> Note:
    """The note in `row`."""
    return Note(
        kind=NoteKind(row.kind),
        text=row.text,
        created_at=row.created_at,
        run_id=row.run_id,
        candidate_id=row.candidate_id,
        attempt_index=row.attempt_index,
    )
