"""What the archive remembers, as frozen values; `archive.mapping` turns them into rows and back.

Standard library and `evaluators.contract` only: importing a record does not import SQLAlchemy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from archive.errors import ArchiveError as ArchiveError  # other floors import it from here
from evaluators.contract import Evaluation, ParameterValue


def candidate_id(source: str) -> str:
    """The id of the program with this `source`: the SHA-256 of its UTF-8 text, 64 hex digits."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


class RunStatus(StrEnum):
    """Where a run stands. `RUNNING` with an expired lease is a run that was killed."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"  # Ctrl-C, SIGTERM or `evolve stop`: resumable


class AttemptState(StrEnum):
    """How far an attempt got; each step is committed before the next begins."""

    ASKED = "asked"
    REPLIED = "replied"
    REJECTED = "rejected"
    EVALUATING = "evaluating"
    RECORDED = "recorded"

    @property
    def is_final(self) -> bool:
        """Whether the attempt has ended and been told to the search."""
        return self in (AttemptState.REJECTED, AttemptState.RECORDED)

    @property
    def may_become(self) -> frozenset[AttemptState]:
        """The states that a later commit may move the attempt to.

        ``ASKED -> REJECTED`` is a proposer that gave nothing back.
        """
        return _STEPS[self]


_STEPS: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.ASKED: frozenset({AttemptState.REPLIED, AttemptState.REJECTED}),
    AttemptState.REPLIED: frozenset({AttemptState.EVALUATING, AttemptState.REJECTED}),
    AttemptState.EVALUATING: frozenset({AttemptState.RECORDED}),
    AttemptState.REJECTED: frozenset(),
    AttemptState.RECORDED: frozenset(),
}


class FounderRole(StrEnum):
    """Why a program is in a run without having been asked for."""

    INITIAL = "initial"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evolution run: what was asked for, never what came of it."""

    id: str  # eight letters and digits
    task: str
    task_identity: str
    parameters: Mapping[str, ParameterValue]
    seed: int
    secret: str  # of the search and validation instances
    config: str  # JSON of `evolve.config.RunConfig`
    software: str  # version and commit of Evenkeel
    created_at: str  # UTC, ISO 8601, seconds
    status: RunStatus = RunStatus.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A program, content-addressed: the same source is one row in every run."""

    id: str  # SHA-256 of the source, 64 hex digits; shown and accepted abbreviated
    source: str
    ast_digest: str  # of the normalised syntax tree; "" where it was not computed

    @classmethod
    def of(cls, source: str, ast_digest: str = "") -> Candidate:
        """The candidate with this `source`, under the id that its source gives it."""
        return cls(id=candidate_id(source), source=source, ast_digest=ast_digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Founder:
    """A program a run started with."""

    run_id: str
    ordinal: int
    role: FounderRole
    name: str  # file stem, as the leaderboard shows it
    candidate_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ask and its fate."""

    run_id: str
    index: int  # from 0, in the order asked
    state: AttemptState
    island: int
    proposer: str  # "genetic" | "recorded" | a model's name
    operator: str  # what was asked for: "mutate" | "crossover" | "diff" | ...
    parent_id: str  # candidate
    inspiration_ids: tuple[str, ...] = ()  # candidates, donors included
    num_tells: int = 0  # tells the ask had seen; with the run's seed and the index they determine the request
    candidate_id: str | None = None  # present from REPLIED on, if the reply was a program
    change: str = ""  # what the proposer says it did, one line
    rejection: str = ""  # why it was stopped before evaluation
    neighbour_id: str | None = None  # the candidate that a rejected duplicate equals or resembles; see `twin_id`
    tell_order: int | None = None  # present exactly when the state is final; resume folds in this order
    asked_at: str = ""  # UTC, ISO 8601
    told_at: str = ""

    @property
    def twin_id(self) -> str | None:
        """The earlier candidate that this one was found to behave like, whose search score it takes over."""
        return self.neighbour_id if self.state is AttemptState.RECORDED else None

    @property
    def is_evaluation(self) -> bool:
        """Whether it ended with an evaluation of its own, as budgets count them."""
        return self.state is AttemptState.RECORDED and self.neighbour_id is None


OUTSIDE = "outside"  # stands for the model where a person or an agent writes the programs


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """One paid (or replayed) model call, stored as soon as it is read in full."""

    run_id: str
    attempt_index: int
    ordinal: int  # calls within one attempt: first try, repair, ...
    model: str
    prompt: str
    reply: str
    finish_reason: str
    prompt_tokens: int
    reply_tokens: int
    price_usd: float | None  # the most it can have cost, where no answer tells; None where the price is unknown
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BanditRow:
    """What the bandit knew of one arm after so many tells of a run; sums are discounted."""

    run_id: str
    num_tells: int
    model: str
    operator: str
    told: int  # attempts of this arm, not discounted
    pulls: float
    reward: float
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationKey:
    """What makes two evaluations the same work: a finished one is never run twice."""

    candidate_id: str
    task_identity: str
    tier: str
    split: str
    seeds: str
    environment_class: str
    planner_clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvaluation:
    """An evaluation with its address in the archive."""

    id: int
    candidate_id: str
    run_id: str | None  # the run that paid for it; None for `evolve evaluate`
    attempt_index: int | None  # None for a founder
    evaluation: Evaluation
    created_at: str
    planner_clock: str = ""

    @property
    def key(self) -> EvaluationKey:
        """The key under which this evaluation is found again."""
        return EvaluationKey(
            candidate_id=self.candidate_id,
            task_identity=self.evaluation.task_identity,
            tier=self.evaluation.tier,
            split=self.evaluation.split,
            seeds=self.evaluation.seeds,
            environment_class=self.evaluation.environment_class,
            planner_clock=self.planner_clock,
        )


class NoteKind(StrEnum):
    """What a person, or a model for the run's own use, said about a program or a run."""

    NOTE = "note"
    PIN = "pin"  # keep it, and let it be a parent
    BAN = "ban"  # never a parent again
    FREE = "free"  # neither pinned nor banned any more
    RESEMBLES = "resembles"  # written at the gate: the known program that this one is near to
    HINT = "hint"  # of a run: goes into the next prompts
    LESSON = "lesson"  # of a run, written by a model from what was tried: the newest goes into the next prompts
    ADVICE = "advice"  # of a run, written by a model: one way to ask for a program, tried against the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One remark on a run, on a candidate, or on a candidate within a run."""

    kind: NoteKind
    text: str
    created_at: str
    run_id: str | None = None
    candidate_id: str | None = None
    attempt_index: int | None = None  # the attempt of the run whose model wrote it; None: a person did


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who drives a run right now."""

    owner: str  # "host:pid:start-time"
    expires_at: float  # Unix seconds; a dead owner's lease runs out


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """One candidate of one task identity and environment class."""

    rank: int | None  # None: not ranked, for want of a hold-out score
    candidate_id: str
    name: str
    baseline: bool
    holdout: float | None
    holdout_low: float | None
    holdout_high: float | None
    validation: float | None
    search: float | None
    task: str
    task_identity: str
    parameters: Mapping[str, ParameterValue] | None = None  # None: nobody told them
    environment_class: str = ""
    sandbox: str = ""
    tier: str = ""  # of the hold-out score, or of the score that lists the row
    planner_clock: str = ""
