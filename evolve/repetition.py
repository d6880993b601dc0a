"""A run that repeats another one's model calls: the same seed, secret, programs and settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.contract import Task
from evolve.choices import Order, ProposerKind
from evolve.config import RunConfig
from evolve.errors import RunError
from evolve.llm.recording import Recording


def config_of(recording: Recording) -> RunConfig:
    """The settings of the run that was recorded."""
    return RunConfig.model_validate_json(recording.config)


def repeated_config(recording: Recording, workers: int, origin: Mapping[str, object]) -> RunConfig:
    """The settings of the repetition: every attempt that was asked, no budget of money or time, nothing to pay.

    What the genetic proposer made it makes again; then only a judge's answers are recorded.

    Args:
        origin: Where the calls come from: `RunConfig.recorded_run` or `RunConfig.replies`.
    """
    budgets = {"evaluations": None, "seconds": None, "patience": None, "target": None, "usd": None, "tokens": None}
    config = config_of(recording)
    proposer = ProposerKind.GENETIC if config.proposer is ProposerKind.GENETIC else ProposerKind.RECORDED
    changed = {"proposer": proposer, "attempts": recording.num_attempts or None, "workers": workers}
    return config.model_copy(update={**budgets, **changed, **origin})


def is_repetition(config: RunConfig) -> bool:
    """Whether a run with these settings plays what was recorded, and asks no server."""
    return config.proposer is ProposerKind.RECORDED or bool(config.recorded_run or config.replies)


def require_same_task(recording: Recording, task_name: str, task: Task) -> None:
    """That the recorded run was one of this task.

    Raises:
        RunError: It was of another task, or of another revision or other parameters of it.
    """
    if recording.task != task_name:
        raise RunError(f"the recorded run is of the task {recording.task}, not of {task_name}")
    if recording.task_identity != task.identity:
        raise RunError(
            f"the recorded run was made with {recording.task} {recording.task_identity}, this software has "
            f"{task.identity}: their scores do not compare"
        )


def repeats_exactly(config: RunConfig) -> bool:
    """Whether a run with these settings ends in the same archive whenever it is repeated."""
    return config.order is Order.INDEX and config.planner_clock != "measured"
