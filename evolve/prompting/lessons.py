"""The prompt that asks for lessons: what the search tried lately, what came of it, what to try next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.contract import Task
from evaluators.figures import significant
from evolve.llm.model import Message
from evolve.prompting.fencing import fenced, line
from evolve.prompting.figures import objective_text
from evolve.prompting.templates import filled

MOST_TRIALS = 60
HISTORY_CHARS = 16_000
LESSONS_CHARS = 6_000
_CHANGE_CHARS = 160
_ENDING_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One attempt as a lesson sees it."""

    operator: str
    change: str
    ending: str  # "scored", an outcome with its reason, or why it was rejected
    gain: float | None  # search score less the parent's; None unless it scored


def build_lessons(task: Task, trials: Sequence[Trial], earlier: str) -> tuple[Message, ...]:
    """The question for new lessons after `trials`, oldest first; `earlier` are the lessons so far."""
    history = "\n".join(_trial_text(trial) for trial in trials[-MOST_TRIALS:]) or "- nothing yet"
    before = f"\n# The lessons so far\n{fenced(earlier, 'text lessons', LESSONS_CHARS)}\n" if earlier.strip() else ""
    text = filled(
        "lessons",
        task=f"# The task: {task.name}\n{task.summary}\n\n{objective_text(task)}",
        history=fenced(history, "text history", HISTORY_CHARS),
        earlier=before,
    )
    return (Message("user", text),)


def _trial_text(trial: Trial) -> str:
    ending = line(trial.ending, _ENDING_CHARS) if trial.gain is None else f"gain {significant(trial.gain)}"
    return f"- {trial.operator}: {line(trial.change, _CHANGE_CHARS) or '(no description)'} -> {ending}"
