"""Records as the archive's tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from archive.records import Attempt, AttemptState, Candidate, EvaluationKey, ModelReply, Run
from archive.store import Archive
from evaluators.contract import Environment, Evaluation, InstanceResult, Outcome, ParameterValue, Picture, Split, Tier
from evaluators.seeding import SeedSource

NOW = "2026-05-01T12:00:00+00:00"
RUN_ID = "abcd1234"
SECRET = "s" * 32
TASK_IDENTITY = "0123456789ab"
PARAMETERS: Mapping[str, ParameterValue] = {"gpus": 16, "skew": 1.5, "profile": "h200"}
ENVIRONMENT = Environment(
    cpu_model="Test CPU",
    architecture="x86_64",
    operating_system="Linux 6.1",
    python="3.11.7",
    libraries={"numpy": "2.1.0", "scipy": "1.14.0"},
    sandbox="rlimit+seccomp",
    evaluator_revision="abc123",
)
ENVIRONMENT_CLASS = "x86_64 | numpy2.1 | rlimit+seccomp"


def a_run(run_id: str = RUN_ID, *, secret: str = SECRET, created_at: str = NOW) -> Run:
    return Run(
        id=run_id,
        task="toy",
        task_identity=TASK_IDENTITY,
        parameters=PARAMETERS,
        seed=7,
        secret=secret,
        config='{"attempts": 10}',
        software="0.1.0+abc",
        created_at=created_at,
    )


def a_candidate(number: int = 0, ast_digest: str = "") -> Candidate:
    return Candidate.of(f"def place():\n    return {number}  # größer\n", ast_digest)


def an_attempt(index: int = 0, run_id: str = RUN_ID) -> Attempt:
    """Asked, with candidate 0 for its parent."""
    return Attempt(
        run_id=run_id,
        index=index,
        state=AttemptState.ASKED,
        island=1,
        proposer="genetic",
        operator="mutate",
        parent_id=a_candidate().id,
        inspiration_ids=(a_candidate(1).id, a_candidate(2).id),
        num_tells=index,
        asked_at=NOW,
    )


def a_reply(attempt_index: int = 0, ordinal: int = 0) -> ModelReply:
    return ModelReply(
        run_id=RUN_ID,
        attempt_index=attempt_index,
        ordinal=ordinal,
        model="some/model",
        prompt="Improve this.\n" * 50,
        reply="```python\npass\0\n```\ud800",
        finish_reason="stop",
        prompt_tokens=700,
        reply_tokens=12,
        price_usd=0.0125,
        latency_s=2.5,
    )


def an_instance(number: int, score: float | None = 0.5, outcome: Outcome = Outcome.SCORED) -> InstanceResult:
    return InstanceResult(
        name=f"i{number}",
        regime=f"r{number % 3}",
        outcome=outcome,
        score=score,
        metrics={"balance": 0.25 * number} if score is not None else {},
        delays_s=(0.0, 0.125, 2.0**-20) if number == 0 else (),
        detail="" if score is not None else "it raised ValueError",
    )


def an_evaluation(
    objective: float = 0.5, *, tier: Tier = Tier.QUICK, split: Split = Split.SEARCH, seeds: str = ""
) -> Evaluation:
    """Scored, on twelve instances in three regimes around `objective`; without `seeds` on those of `a_run`."""
    instances = tuple(an_instance(i, objective + (i - 5.5) / 100) for i in range(12))
    return Evaluation(
        task="toy",
        task_identity=TASK_IDENTITY,
        tier=tier,
        split=split,
        outcome=Outcome.SCORED,
        objective=objective,
        metrics={"balance": 0.75, "moves": 3.0},
        instances=instances,
        feedback="the third rack is overloaded\n" if split is Split.SEARCH else "",
        environment=ENVIRONMENT,
        environment_class=ENVIRONMENT_CLASS,
        seeds=seeds or SeedSource(SECRET, split).digest(),
        cpu_s=1.25,
        wall_s=1.5,
        pictures=(Picture(name="load", chart="bar", columns=("gpu", "load"), rows=((0.0, 1.5), (1.0, 0.5))),),
        parameters=PARAMETERS,
    )


def a_failed_evaluation(
    outcome: Outcome = Outcome.CRASHED, *, tier: Tier = Tier.QUICK, split: Split = Split.SEARCH
) -> Evaluation:
    instances = tuple(an_instance(i, None, outcome) for i in range(3))
    return replace(
        an_evaluation(tier=tier, split=split), outcome=outcome, objective=None, instances=instances, pictures=()
    )


def a_key(candidate_id: str, evaluation: Evaluation, planner_clock: str = "measured") -> EvaluationKey:
    return EvaluationKey(
        candidate_id=candidate_id,
        task_identity=evaluation.task_identity,
        tier=evaluation.tier,
        split=evaluation.split,
        seeds=evaluation.seeds,
        environment_class=evaluation.environment_class,
        planner_clock=planner_clock,
    )


def begin(archive: Archive, run: Run | None = None) -> Run:
    """Archives a run and candidate 0, which `an_attempt` names as its parent."""
    run = run or a_run()
    archive.add_run(run)
    archive.add_candidate(a_candidate())
    return run


def evaluate(archive: Archive, attempt: Attempt, candidate: Candidate) -> Attempt:
    """Takes an archived, asked attempt to `EVALUATING` with `candidate`."""
    replied = replace(attempt, state=AttemptState.REPLIED, candidate_id=candidate.id, change="a constant")
    archive.record_replied(replied, candidate)
    evaluating = replace(replied, state=AttemptState.EVALUATING)
    archive.advance_attempt(evaluating, expected=AttemptState.REPLIED)
    return evaluating


def finish(
    archive: Archive, attempt: Attempt, candidate: Candidate, *evaluations: Evaluation, planner_clock: str = "measured"
) -> Attempt:
    """Takes a new attempt from asked to recorded, with these evaluations."""
    archive.add_attempt(attempt)
    evaluating = evaluate(archive, attempt, candidate)
    for evaluation in evaluations:
        key = a_key(candidate.id, evaluation, planner_clock)
        archive.add_evaluation(candidate.id, evaluation, key, attempt.run_id, attempt.index)
    return archive.record_told(replace(evaluating, state=AttemptState.RECORDED, told_at=NOW))


def reject(archive: Archive, attempt: Attempt, candidate: Candidate, neighbour_id: str) -> Attempt:
    """Takes a new attempt from asked to rejected as a duplicate."""
    archive.add_attempt(attempt)
    replied = replace(attempt, state=AttemptState.REPLIED, candidate_id=candidate.id)
    archive.record_replied(replied, candidate)
    fate = replace(replied, state=AttemptState.REJECTED, rejection="duplicate (source)", neighbour_id=neighbour_id)
    return archive.record_told(replace(fate, told_at=NOW))


def take_over(archive: Archive, attempt: Attempt, candidate: Candidate, twin_id: str) -> Attempt:
    """Takes a new attempt from asked to recorded as one that behaves like `twin_id`, which ended its evaluation."""
    archive.add_attempt(attempt)
    evaluating = evaluate(archive, attempt, candidate)
    for made in (an_evaluation(0.1, tier=Tier.SMOKE), a_failed_evaluation(Outcome.STOPPED)):
        archive.add_evaluation(candidate.id, made, a_key(candidate.id, made), attempt.run_id, attempt.index)
    fate = replace(evaluating, state=AttemptState.RECORDED, neighbour_id=twin_id)
    return archive.record_told(replace(fate, told_at=NOW))
