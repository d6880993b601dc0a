"""A program to take away, and the card that says what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.records import Attempt, Candidate, Run, StoredEvaluation
from dashboard.inert import markdown
from evaluators.contract import Environment, Outcome, ParameterValue
from evaluators.figures import score_range, score_text
from evaluators.paired import interval_of
from evolve.blocks import without_markers


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One archived evaluation, as a card shows it."""

    row: int
    task: str
    task_identity: str
    parameters: Mapping[str, ParameterValue] | None  # None: not archived
    tier: str
    split: str
    seeds: str  # digest: equal digests saw equal instances
    outcome: Outcome
    score: float | None
    low: float | None  # 95 % of the mean
    high: float | None
    instances: int
    metrics: Mapping[str, float]
    planner_clock: str
    environment_class: str
    environment: Environment
    run: str | None
    made_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt on the way from a founder to the program."""

    run: str
    attempt: int
    proposer: str
    operator: str
    parent: str
    child: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A run that knew the program."""

    run: str
    task: str
    seed: int
    software: str  # version and commit
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of one program."""

    id: str  # SHA-256 of the archived source, markers included
    exported_with: str
    origins: tuple[Origin, ...]
    founder: str  # candidate the lineage starts from; empty for a program that no attempt made
    lineage: tuple[Step, ...]
    scores: tuple[Score, ...]


def standalone(candidate: Candidate) -> str:
    """The program without markers."""
    body = without_markers(candidate.source)
    return body if body.endswith("\n") or not body else body + "\n"


def card_of(
    candidate: Candidate,
    lineage: Sequence[Attempt],
    evaluations: Sequence[StoredEvaluation],
    runs: Sequence[Run],
    parameters: Mapping[str, Mapping[str, ParameterValue]],
    exported_with: str,
) -> Card:
    """The card; `parameters` by task identity, smoke evaluations left out."""
    kept = [row for row in evaluations if row.evaluation.tier != "smoke"]
    return Card(
        id=candidate.id,
        exported_with=exported_with,
        origins=tuple(_origin(run) for run in runs),
        founder=lineage[0].parent_id if lineage else "",
        lineage=tuple(_step(attempt) for attempt in lineage),
        scores=tuple(_score(row, parameters.get(row.evaluation.task_identity)) for row in kept),
    )


def card_text(card: Card) -> str:
    """The card in Markdown."""
    lines = [f"# Program {card.id[:10]}", "", f"Candidate `{card.id}`, exported with {card.exported_with}.", ""]
    lines += ["## Scores", ""]
    for league in dict.fromkeys(_league(score) for score in card.scores):
        lines += [*league, ""]
        lines += ["| split | tier | score | 95 % interval | instances | seeds | row | made at |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        lines += [_score_line(score) for score in card.scores if _league(score) == league]
        lines += [""]
    if not card.scores:
        lines += ["None is archived.", ""]
    lines += ["## Lineage", "", *_lineage_lines(card), "", "## Runs", ""]
    lines += [f"- {o.run}: {o.task}, seed {o.seed}, {o.software}, {o.created_at}" for o in card.origins] or ["None."]
    lines += ["", "Scores compare within one task identity, environment class and planner clock. Check them:"]
    lines += [f"`evolve verify {card.id[:12]}`.", ""]
    return "\n".join(lines)


def _league(score: Score) -> tuple[str, ...]:
    """The lines above a table of scores that compare."""
    parameters = score.parameters
    known = "not archived" if parameters is None else ", ".join(f"{k}={v}" for k, v in parameters.items()) or "default"
    environment = score.environment
    libraries = ", ".join(f"{name} {version}" for name, version in environment.libraries.items())
    return (
        f"### {score.task} {score.task_identity}",
        "",
        f"- parameters: {known}",
        f"- environment class: {score.environment_class}; planner time {score.planner_clock}",
        f"- Python {environment.python}, {libraries}, {environment.operating_system}, {environment.cpu_model}",
        f"- sandbox {environment.sandbox}, evaluator code {environment.evaluator_revision}",
    )


def _score_line(score: Score) -> str:
    value = str(score.outcome) if score.score is None else score_text(score.score)
    interval = "-" if score.low is None or score.high is None else score_range(score.low, score.high)
    cells = [score.split, score.tier, value, interval, str(score.instances), score.seeds, str(score.row), score.made_at]
    return f"| {' | '.join(cells)} |"


def _lineage_lines(card: Card) -> list[str]:
    if not card.lineage:
        return ["No attempt made it: it is a founder of its runs, or was scored from a file."]
    steps = [
        f"{number}. attempt {s.attempt} of run {s.run}, by {s.proposer} ({s.operator}): "
        f"`{s.parent[:10]}` to `{s.child[:10]}`: {markdown(s.change)}"
        for number, s in enumerate(card.lineage, 1)
    ]
    return [f"From founder `{card.founder[:10]}`:", "", *steps]


def _score(row: StoredEvaluation, parameters: Mapping[str, ParameterValue] | None) -> Score:
    made = row.evaluation
    interval = interval_of(made)
    return Score(
        row=row.id,
        task=made.task,
        task_identity=made.task_identity,
        parameters=parameters,
        tier=made.tier,
        split=made.split,
        seeds=made.seeds,
        outcome=made.outcome,
        score=made.objective,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        instances=len(made.instances),
        metrics=made.metrics,
        planner_clock=row.planner_clock,
        environment_class=made.environment_class,
        environment=made.environment,
        run=row.run_id,
        made_at=row.created_at,
    )


def _step(attempt: Attempt) -> Step:
    return Step(
        run=attempt.run_id,
        attempt=attempt.index,
        proposer=attempt.proposer,
        operator=attempt.operator,
        parent=attempt.parent_id,
        child=attempt.candidate_id or "",
        change=attempt.change,
    )


def _origin(run: Run) -> Origin:
    return Origin(run=run.id, task=run.task, seed=run.seed, software=run.software, created_at=run.created_at)
