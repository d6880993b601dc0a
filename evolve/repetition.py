"""A run that repeats another one's model calls: the same seed, secret, programs and settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evaluators.contract import Task
from evolve.choices import Order, ProposerKind
from evolve.config import RunConfig
from evolve.errors import ConfigError, RunError
from evolve.llm.recording import Recording

_WISHES = frozenset({"attempts", "evaluations", "seconds", "patience", "target", "final_tier", "finalists"})
_OF_REPEATING = frozenset(
    {"task", "proposer", "replies", "recorded_run", "repeated", "workers", "allow_unsafe", "model_prices"}
)


def config_of(recording: Recording) -> RunConfig:
    """The settings of the run that was recorded."""
    return RunConfig.model_validate_json(recording.config)


def repeated_config(
    recording: Recording,
    workers: int,
    origin: Mapping[str, object],
    wishes: Mapping[str, object] = MappingProxyType({}),
) -> RunConfig:
    """The settings of the repetition: every attempt that was asked, no budget of money or time, nothing to pay.

    What the genetic proposer made it makes again; then only a judge's answers are recorded.

    Args:
        recording: Of the run to repeat.
        workers: Evaluation processes.
        origin: Where the calls come from: `RunConfig.recorded_run` or `RunConfig.replies`.
        wishes: Of `wishes_of`.

    Raises:
        RunError: Nothing was recorded.
    """
    if not recording.num_attempts:
        raise RunError("the run to repeat has made no attempts: there is nothing to play again")
    budgets = {"evaluations": None, "seconds": None, "patience": None, "target": None, "usd": None, "tokens": None}
    config = config_of(recording)
    writer = config.repeated or config.proposer
    proposer = ProposerKind.GENETIC if writer is ProposerKind.GENETIC else ProposerKind.RECORDED
    changed = {
        "proposer": proposer,
        "repeated": writer,
        "attempts": recording.num_attempts,
        "workers": workers,
        "allow_unsafe": False,  # whoever repeats a run decides that anew
    }
    return config.model_copy(update={**budgets, **changed, **origin, **wishes})


def wishes_of(config: RunConfig, recording: Recording) -> dict[str, object]:
    """What whoever repeats a run wants otherwise than it was: where to end, and how to judge.

    Raises:
        ConfigError: Something else, or more attempts than there were; a run with that is not the same run.
    """
    recorded = {**config_of(recording).model_dump(), "seed": recording.seed}
    given = {name: value for name, value in config.model_dump(exclude_unset=True).items() if name not in _OF_REPEATING}
    settings = {name: str(value) for name, value in recorded["set"].items()}
    same_task = all(settings.get(name) == str(value) for name, value in given.pop("set", {}).items())
    wishes = {name: value for name, value in given.items() if value not in (recorded[name], (), {})}
    refused = [*(name for name in wishes if name not in _WISHES), *([] if same_task else ["set"])]
    if refused:
        raise ConfigError(
            f"a repetition keeps the {', '.join(refused)} of the run that it repeats: leave it out (it takes "
            f"{', '.join(sorted(_WISHES))}, workers and allow_unsafe)"
        )
    attempts = wishes.get("attempts", 0)
    if isinstance(attempts, int) and attempts > recording.num_attempts:
        raise ConfigError(f"attempts: the run to repeat has made {recording.num_attempts}, found {attempts}")
    return wishes | {"allow_unsafe": config.allow_unsafe}


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
