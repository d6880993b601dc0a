"""The vocabulary that every floor shares: tasks, outcomes, evaluations and their environment. Standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

FLOOR = -1.0  # the score of a failed instance, and the lowest score of a scored one
SELF_SCORED = "self-scored: the candidate shares a process with its scorer"


class EvaluatorError(Exception):
    """Root of the errors the evaluators raise at their caller: bad tasks, parameters, programs, machines."""


class ContractError(EvaluatorError):
    """A value does not fit the contract: an unknown name, a wrong kind, a number out of range."""


class Direction(StrEnum):
    """Which way a metric improves."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Tier(StrEnum):
    """How much work an evaluation does; each tier has its own instances."""

    SMOKE = "smoke"  # under 0.2 s: does the program keep the contract at all
    QUICK = "quick"  # a couple of seconds: the search score
    FULL = "full"  # up to a minute: rankings
    REPORT = "report"  # minutes: claims


class Split(StrEnum):
    """Which instances an evaluation sees, and who may learn of the result."""

    SEARCH = "search"  # feedback goes to the proposer
    VALIDATION = "validation"  # an aggregate only; decides promotions
    HOLDOUT = "holdout"  # other seeds and other regimes; ranks the leaderboard, never shown to a proposer
    REPORT = "report"  # public seeds, fixed for a task revision, so that archives compare

    @property
    def is_hidden(self) -> bool:
        """Whether a program's own words about its instances must reach no one."""
        return self in (Split.VALIDATION, Split.HOLDOUT)


class Outcome(StrEnum):
    """How an evaluation or one of its instances ended; only `SCORED` carries a score."""

    SCORED = "scored"
    INVALID = "invalid"  # broke the contract: shape, dtype, range, constraint, oversized reply
    CRASHED = "crashed"  # raised, exited or was killed by a signal of its own making
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    TAMPERED = "tampered"  # spoke out of turn on the protocol: quarantined
    STOPPED = "stopped"  # ended early by the harness: worse than its parent, or a twin; neither a failure nor a score
    INFRASTRUCTURE = "infrastructure"  # our fault or the machine's; retried, never charged to the candidate


class PlannerClock(StrEnum):
    """Where the planner time that a task charges comes from."""

    MEASURED = "measured"  # the child's CPU time per call, on the coarse grid
    MODELLED = "modelled"  # the task's constant: scores repeat bit for bit
    REPLAYED = "replayed"  # delays stored by an earlier evaluation


class ParameterKind(StrEnum):
    """What a task parameter holds."""

    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    FILE = "file"  # a path; its value is ``path@sha256`` once validated, and only the digest counts for identity
    FOLDER = "folder"  # the same; the digest is over the names and contents of all files below


ParameterValue = int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing a user may set to make the task their own (``--set name=value``)."""

    name: str
    kind: ParameterKind
    default: ParameterValue
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    library: str = ""  # a package: a file may also be named by the stem of one of its JSON files

    @property
    def is_path(self) -> bool:
        """Whether the value names something of the user's on disk."""
        return self.kind in (ParameterKind.FILE, ParameterKind.FOLDER)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One reported quantity of an evaluation."""

    name: str
    unit: str  # "1" for dimensionless
    direction: Direction
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A metric that tells one way of solving the task from another, in equal bins; the end bins take what is beyond."""

    metric: str
    low: float
    high: float
    bins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """One name a program must define, with the text a model needs to write it."""

    name: str
    signature: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one sandboxed child may use in one instance of a tier."""

    wall_s: float
    cpu_s: float
    call_wall_s: float  # one call, import included
    memory_bytes: int = 2 << 30  # beyond what the empty child already maps

    @classmethod
    def of_cpu(cls, cpu_s: float) -> Limits:
        """CPU time is what is limited; on a loaded machine it takes several times as long, and only sleepers longer."""
        return cls(wall_s=max(20.0, 6.0 * cpu_s), cpu_s=cpu_s, call_wall_s=max(15.0, 5.0 * cpu_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A problem with its parameters filled in; the one source for prompt, scorer and leaderboard."""

    name: str
    family: str
    summary: str
    entry_points: tuple[EntryPoint, ...]
    metrics: tuple[MetricSpec, ...]
    objective: str  # the name of the ONE metric that is the fitness
    bound: float | None  # a proven bound of the objective; None where none is known
    weak_baseline: str  # the seed program that scores 0; empty where none is known
    limits: Mapping[Tier, Limits]
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    parameter_specs: tuple[Parameter, ...] = ()
    descriptors: tuple[Descriptor, ...] = ()  # axes of the grid of elites
    trade_offs: tuple[str, ...] = ()  # metrics of the Pareto front, each improving as its `MetricSpec` says
    ranking_tier: Tier = Tier.FULL  # of the hold-out at a run's end; lower where `FULL` of all seeds takes hours
    libraries: tuple[str, ...] = ("numpy",)  # importable by a candidate beside the standard library
    stateful: bool = True  # a fresh child per instance; False: one child plays all instances of an evaluation
    charges_time: bool = False  # planner CPU time enters the score, so the CPU model is part of the environment class
    modelled_delay_s: float = 0.0  # charged per call under ``--planner-clock modelled``
    revision: int = 1
    seeds: str = ""  # where its programs are below ``seeds/``, if its parameters choose among several; empty: its name
    folder: str = ""  # of a task that lives in a folder of the user's: where a worker finds it
    code: str = ""  # digest of that folder's code: an edit makes another task, whose scores do not compare
    host: str = ""  # "package:file+file" whose text a child loads with the program in it; empty: the program itself
    caveat: str = ""  # what a user should know before a run on this machine, one sentence
    self_scored: bool = False  # the evaluator runs in the candidate's child: nothing it reports can be believed

    @property
    def address(self) -> str:
        """What `evaluators.registry.problem` finds the task by."""
        return self.folder or self.name

    @property
    def programs(self) -> str:
        """What `evaluators.seed_files.seed_files` finds its programs by."""
        return self.seeds or self.address

    @property
    def identity(self) -> str:
        """Twelve hex digits over name, revision, parameters and code: scores compare only within one identity."""
        files = {spec.name for spec in self.parameter_specs if spec.is_path}
        values = {k: str(v).rpartition("@")[2] if k in files else v for k, v in self.parameters.items()}
        code = [self.code] if self.code else []
        text = json.dumps([self.name, self.revision, values, *code], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def metric(self, name: str) -> MetricSpec:
        """The metric called `name`.

        Raises:
            ContractError: The task reports no such metric.
        """
        for spec in self.metrics:
            if spec.name == name:
                return spec
        known = ", ".join(spec.name for spec in self.metrics)
        raise ContractError(f"task {self.name} has no metric {name!r}; it reports {known}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceResult:
    """What one instance gave; comparisons between programs are paired on `name`."""

    name: str
    regime: str
    outcome: Outcome
    score: float | None = None  # present exactly when `outcome` is `SCORED`
    metrics: Mapping[str, float] = field(default_factory=dict)
    delays_s: tuple[float, ...] = ()  # planner time charged per call, on the coarse grid; `verify` replays these
    detail: str = ""  # one sentence on a failure; empty if scored, or not played since too many others had failed
    behaviour: str = ""  # digest of all that the program returned and was charged; empty where none was taken
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # a value per step, for pictures; not stored

    @property
    def counted_score(self) -> float:
        """The score, or the floor for an instance that failed: a failure is never dropped."""
        return FLOOR if self.score is None else self.score


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A bounded numeric table with the chart it is meant for; drawn by the dashboard and the terminal."""

    name: str
    chart: str  # "line" | "bar" | "heatmap" | "gantt"
    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where an evaluation ran; stored with it, so that a score can be believed later."""

    cpu_model: str
    architecture: str
    operating_system: str
    python: str
    libraries: Mapping[str, str]  # name -> version
    sandbox: str  # active layers, e.g. "rlimit+seccomp+landlock7"; "unsafe" is said here
    evaluator_revision: str
    device: str = ""  # GPU name, empty without one
    driver: str = ""

    def environment_class(self, task: Task) -> str:
        """The label within which scores of `task` may be ranked together."""
        numpy_minor = ".".join(self.libraries.get("numpy", "none").split(".")[:2])
        parts = [self.architecture, f"numpy{numpy_minor}", self.sandbox]
        if task.charges_time:
            parts.insert(0, self.cpu_model)
        if self.device:
            parts += [self.device, self.driver]
        return " | ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One program on one tier and split of one task, as the worker saw it."""

    task: str
    task_identity: str
    tier: Tier
    split: Split
    outcome: Outcome
    objective: float | None  # mean of the instances' counted scores; present exactly when `outcome` is `SCORED`
    metrics: Mapping[str, float]
    instances: tuple[InstanceResult, ...]
    feedback: str  # for the proposer on the search split; empty on every other split
    environment: Environment
    environment_class: str
    seeds: str  # sixteen hex digits over the instance seeds: equal digests saw equal instances
    cpu_s: float
    wall_s: float
    pictures: tuple[Picture, ...] = ()
    parameters: Mapping[str, ParameterValue] | None = None  # the task's; None where nobody can tell them any more

    @property
    def counted_objective(self) -> float:
        """The objective, or the floor for a program that failed."""
        return FLOOR if self.objective is None else self.objective

    @property
    def behaviour(self) -> str:
        """A digest of what the program did on all instances; empty unless one was taken on each."""
        if not self.instances or not all(instance.behaviour for instance in self.instances):
            return ""
        text = json.dumps([[instance.name, instance.behaviour] for instance in self.instances])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def first_failure(self) -> str:
        """Why the first failed instance failed, as far as one says; empty if none does."""
        details = (one.detail for one in self.instances if one.outcome is not Outcome.SCORED and one.detail)
        return next(details, "")


def overall_outcome(instances: Sequence[InstanceResult]) -> Outcome:
    """The outcome of an evaluation with these instances.

    `SCORED` if at least 90 % are scored and none is tampered or infrastructure; otherwise the most frequent failure,
    ties going to the one seen first.
    """
    outcomes = [instance.outcome for instance in instances]
    for decisive in (Outcome.TAMPERED, Outcome.INFRASTRUCTURE):
        if decisive in outcomes:
            return decisive
    failures = [outcome for outcome in outcomes if outcome is not Outcome.SCORED]
    if outcomes and len(failures) <= 0.1 * len(outcomes):
        return Outcome.SCORED
    return max(failures, key=failures.count, default=Outcome.INVALID)
