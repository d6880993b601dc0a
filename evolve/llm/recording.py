"""The model calls of a run, to be played again: from its archive, or from a file that goes elsewhere.

A file is JSON lines: first what the run was, then one line per attempt that asked a model. It holds the secret of the
search and validation instances, so that a replay sees the same ones, and never that of the hold-out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from archive.records import OUTSIDE, Attempt, FounderRole, ModelReply, Run
from archive.store import Archive
from evaluators.contract import ContractError
from evaluators.jsonable import dumps, from_json
from evolve.errors import ConfigError
from evolve.llm.caller import Answered, GaveUp, Ledger, Question
from evolve.llm.transcript import by_question, stored_completion

FORMAT = "evenkeel-replies-1"
NO_PROGRAM = "no program: "
NO_REPAIR = " (and no repair: "


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedProgram:
    """A program the run started with."""

    role: FounderRole
    name: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAttempt:
    """The calls of one attempt."""

    index: int
    replies: tuple[ModelReply, ...]
    gave_up: str = ""  # why there was no further answer, where that is how it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run as far as a replay needs it."""

    format: str
    task: str
    task_identity: str
    seed: int
    secret: str
    config: str  # JSON of `evolve.config.RunConfig`
    num_attempts: int
    founders: tuple[RecordedProgram, ...]
    attempts: tuple[RecordedAttempt, ...] = ()


class RecordedAsker:
    """Answers every question as it was answered then; a row is stored again for every try."""

    exhausted = ""

    def __init__(self, run_id: str, attempts: Iterable[RecordedAttempt], ledger: Ledger) -> None:
        self._run_id = run_id
        self._attempts: Mapping[int, RecordedAttempt] = {attempt.index: attempt for attempt in attempts}
        self._ledger = ledger

    async def ask(self, question: Question, rng: np.random.Generator) -> Answered | GaveUp:
        """The next recorded answer of the attempt, or the reason why there was none."""
        del rng
        recorded = self._attempts.get(question.attempt_index)
        if recorded is None:
            return GaveUp("the recording has no such attempt", question.first_ordinal, 0.0)
        ordinal = question.first_ordinal
        tries = next(iter(by_question(recorded.replies[ordinal:])), [])
        for row in tries:
            self._ledger.add_reply(replace(row, run_id=self._run_id, ordinal=ordinal))
            ordinal += 1
        completion = stored_completion(tries[-1]) if tries else None  # one told from outside may stand for an earlier
        if completion is not None:
            return Answered(completion, ordinal, tries[-1].price_usd or 0.0)
        return GaveUp(recorded.gave_up or "the recording has no further answer", ordinal, 0.0)


def record_run(archive: Archive, run: Run) -> Recording:
    """What `run` said and was answered."""
    attempts = archive.attempts(run.id)
    founders = archive.founders(run.id)
    sources = archive.sources([founder.candidate_id for founder in founders])
    return Recording(
        format=FORMAT,
        task=run.task,
        task_identity=run.task_identity,
        seed=run.seed,
        secret=run.secret,
        config=run.config,
        num_attempts=len(attempts),
        founders=tuple(
            RecordedProgram(role=founder.role, name=founder.name, source=sources[founder.candidate_id])
            for founder in founders
        ),
        attempts=tuple(_recorded(archive, attempt) for attempt in attempts),
    )


def recording_text(recording: Recording) -> str:
    """The content of a file that `read_recording` reads; ASCII, so that no character breaks a line."""
    head = replace(recording, attempts=())
    return "".join(dumps(part) + "\n" for part in (head, *recording.attempts))


def read_recording(path: Path) -> Recording:
    """The recording in a file.

    Raises:
        ConfigError: It cannot be read, or is not one.
    """
    try:
        head, *lines = path.read_text(encoding="utf-8").split("\n")
        recording = from_json(Recording, json.loads(head))
        attempts = tuple(from_json(RecordedAttempt, json.loads(line)) for line in lines if line.strip())
    except OSError as error:
        raise ConfigError(f"cannot read the recording {path}: {error.strerror}") from error
    except (ValueError, ContractError) as error:
        raise ConfigError(f"{path} is not a recording made by `evolve export RUN --replies`: {error}") from error
    if recording.format != FORMAT:
        raise ConfigError(f"{path}: expected the format {FORMAT}, found {recording.format!r}")
    return replace(recording, attempts=attempts)


def is_recording(path: Path) -> bool:
    """Whether a file of replies is one of these, and not a list of programs; False where it cannot be read."""
    try:
        with path.open(encoding="utf-8") as lines:
            return f'"{FORMAT}"' in lines.readline()
    except (OSError, UnicodeDecodeError):
        return False


def _recorded(archive: Archive, attempt: Attempt) -> RecordedAttempt:
    """The calls that the attempt's end came of: nothing before the last answer that was told from outside."""
    replies = archive.replies(attempt.run_id, attempt.index)
    told = [place for place, reply in enumerate(replies) if reply.model == OUTSIDE]
    counted = tuple(replies[told[-1] :] if told else replies)
    return RecordedAttempt(index=attempt.index, replies=counted, gave_up=_reason(attempt))


def _reason(attempt: Attempt) -> str:
    """Why the last question of an attempt was given up, as its row tells."""
    if NO_REPAIR in attempt.rejection:
        return attempt.rejection.partition(NO_REPAIR)[2].removesuffix(")")
    return attempt.rejection.removeprefix(NO_PROGRAM) if attempt.rejection.startswith(NO_PROGRAM) else ""
