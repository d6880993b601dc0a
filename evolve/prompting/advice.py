"""The prompt that asks for advice: what the prompts said so far, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluators.contract import Task
from evolve.llm.model import Message
from evolve.prompting.fencing import fenced
from evolve.prompting.figures import objective_text
from evolve.prompting.templates import filled

ADVICE_CHARS = 1_200
HISTORY_CHARS = 10_000
MOST_SHOWN = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A piece of advice and what came of the prompts that carried it."""

    number: int  # 0: the plain prompt
    text: str
    attempts: int = 0
    improved: int = 0  # children better than their parent


def build_advice(task: Task, tried: Sequence[Tried]) -> tuple[Message, ...]:
    """The question for another piece of advice; `tried` begins with the plain prompt."""
    shown = [tried[0], *tried[1:][-MOST_SHOWN:]]
    text = filled(
        "advice",
        task=f"# The task: {task.name}\n{task.summary}\n\n{objective_text(task)}",
        history=fenced("\n\n".join(map(_tried_text, shown)), "text history", HISTORY_CHARS),
    )
    return (Message("user", text),)


def _tried_text(one: Tried) -> str:
    name = f"advice {one.number}" if one.number else "no advice"
    yielded = f"{name}: {one.improved} of {one.attempts} programs were better than their parent"
    return f"{yielded}\n{one.text}".strip()
