"""Evaluations, their instances, environments and leagues to rows and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archive.errors import ArchiveError
from archive.mapping import MAX_LINE_CHARS, MAX_TEXT_CHARS, AnyRow, Values, key_digest
from archive.packing import capped, digest_of, finite, json_text, pack_doubles, pack_text, unpack_doubles, unpack_text
from archive.records import EvaluationKey, StoredEvaluation
from evaluators.contract import Environment, Evaluation, InstanceResult, Outcome, ParameterValue, Picture, Split, Tier
from evaluators.jsonable import dumps, from_json

MAX_PICTURE_CHARS = 1 << 18  # JSON of all pictures of one evaluation; the rest is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class League:
    """Within one of these, scores may be ranked together."""

    task: str
    task_identity: str
    environment_class: str
    planner_clock: str

    @property
    def digest(self) -> str:
        """Its key in the archive."""
        return digest_of(json.dumps([self.task, self.task_identity, self.environment_class, self.planner_clock]))


def league_values(league: League) -> Values:
    """The row of `league`."""
    return {
        "digest": league.digest,
        "task": league.task,
        "task_identity": league.task_identity,
        "environment_class": league.environment_class,
        "planner_clock": league.planner_clock,
    }


def league_of(row: AnyRow) -> League:
    """The league in `row`."""
    return League(
        task=row.task,
        task_identity=row.task_identity,
        environment_class=row.environment_class,
        planner_clock=row.planner_clock,
    )


def environment_values(environment: Environment) -> Values:
    """The row of `environment`."""
    content = json_text(environment, "the environment of an evaluation")
    return {"digest": digest_of(content), "content": content}


def environment_of(row: AnyRow) -> Environment:
    """The environment in `row`."""
    return from_json(Environment, json.loads(row.content))


def storable(evaluation: Evaluation) -> Evaluation:
    """`evaluation` with its texts and pictures cut to what the archive keeps."""
    return replace(
        evaluation,
        feedback=capped(evaluation.feedback, MAX_TEXT_CHARS),
        instances=tuple(_storable_instance(instance) for instance in evaluation.instances),
        pictures=_storable_pictures(evaluation.pictures),
    )


def _storable_instance(instance: InstanceResult) -> InstanceResult:
    detail = capped(instance.detail, MAX_LINE_CHARS)
    return instance if detail == instance.detail else replace(instance, detail=detail)


def _storable_pictures(pictures: Sequence[Picture]) -> tuple[Picture, ...]:
    kept, size = [], 0
    for picture in pictures:
        size += len(json_text(picture, f"picture {picture.name!r}"))
        if size <= MAX_PICTURE_CHARS:
            kept.append(picture)
    return tuple(kept)


def evaluation_values(evaluation: Evaluation, key: EvaluationKey) -> Values:
    """The columns of `evaluation` that its own fields give.

    Raises:
        ArchiveError: The evaluation is not the one that `key` names, or a number is not finite.
    """
    _check_key(evaluation, key)
    what = f"the evaluation of candidate {key.candidate_id[:12]}"
    # an infrastructure failure is to be retried; one that was stopped early stands for no score of its program
    is_finished = evaluation.outcome not in (Outcome.INFRASTRUCTURE, Outcome.STOPPED)
    return {
        "key_digest": key_digest(key) if is_finished else None,
        "candidate_id": key.candidate_id,
        "tier": evaluation.tier.value,
        "split": evaluation.split.value,
        "outcome": evaluation.outcome.value,
        "objective": None if evaluation.objective is None else finite(evaluation.objective, what),
        "metrics": json_text(evaluation.metrics, what),
        "feedback": evaluation.feedback,
        "seeds": evaluation.seeds,
        "cpu_s": finite(evaluation.cpu_s, what),
        "wall_s": finite(evaluation.wall_s, what),
        "pictures": pack_text(dumps(evaluation.pictures)) if evaluation.pictures else None,
    }


def _check_key(evaluation: Evaluation, key: EvaluationKey) -> None:
    if evaluation.outcome is Outcome.INFRASTRUCTURE:
        return  # it may have failed before the worker could say where it ran
    expected = (key.task_identity, key.tier, key.split, key.seeds, key.environment_class)
    environment_class = evaluation.environment_class
    found = (evaluation.task_identity, evaluation.tier, evaluation.split, evaluation.seeds, environment_class)
    if found != expected:
        raise ArchiveError(f"the evaluation does not fit its key: expected {expected}, found {found}")


def instance_values(instance: InstanceResult, ordinal: int) -> Values:
    """The row of `instance`, the evaluation's number apart."""
    what = f"instance {instance.name!r}"
    return {
        "ordinal": ordinal,
        "name": instance.name,
        "regime": instance.regime,
        "outcome": instance.outcome.value,
        "score": None if instance.score is None else finite(instance.score, what),
        "metrics": json_text(instance.metrics, what) if instance.metrics else "{}",
        "delays": pack_doubles(instance.delays_s),
        "detail": instance.detail,
        "behaviour": instance.behaviour or None,
    }


def instance_of(row: AnyRow) -> InstanceResult:
    """The instance in `row`."""
    return InstanceResult(
        name=row.name,
        regime=row.regime,
        outcome=Outcome(row.outcome),
        score=row.score,
        metrics=_metrics_of(row.metrics),
        delays_s=unpack_doubles(row.delays),
        detail=row.detail,
        behaviour=row.behaviour or "",
    )


def stored_of(
    row: AnyRow,
    league: League,
    parameters: Mapping[str, ParameterValue] | None,
    environment: Environment,
    instances: Sequence[InstanceResult],
) -> StoredEvaluation:
    """The evaluation in `row`, with what its row refers to."""
    evaluation = Evaluation(
        task=league.task,
        task_identity=league.task_identity,
        tier=Tier(row.tier),
        split=Split(row.split),
        outcome=Outcome(row.outcome),
        objective=row.objective,
        metrics=_metrics_of(row.metrics),
        instances=tuple(instances),
        feedback=row.feedback,
        environment=environment,
        environment_class=league.environment_class,
        seeds=row.seeds,
        cpu_s=row.cpu_s,
        wall_s=row.wall_s,
        pictures=_pictures_of(row.pictures),
        parameters=parameters,
    )
    return StoredEvaluation(
        id=row.id,
        candidate_id=row.candidate_id,
        run_id=row.run_id,
        attempt_index=row.attempt_index,
        evaluation=evaluation,
        created_at=row.created_at,
        planner_clock=league.planner_clock,
    )


def _metrics_of(text: str) -> dict[str, float]:
    if text == "{}":
        return {}
    values: dict[str, Any] = json.loads(text)
    return {name: float(value) for name, value in values.items()}


def _pictures_of(packed: bytes | None) -> tuple[Picture, ...]:
    if packed is None:
        return ()
    return tuple(from_json(Picture, item) for item in json.loads(unpack_text(packed)))
