"""The prompt that asks whether two programs differ in an idea, and its answer read without trust. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from evaluators.contract import Task
from evolve.llm.model import Message
from evolve.prompting.fencing import fenced, line
from evolve.prompting.figures import objective_text
from evolve.prompting.templates import filled

JUDGED_CHARS = 24_000  # of each program; a longer one cannot be shown whole, so nothing is asked about it
REASON_CHARS = 160
_VERDICT = re.compile(r"(SAME|DIFFERENT): ([^\n\r]*\S)")


class Ruling(StrEnum):
    """What a judge can say of a new program and a known one."""

    SAME = "the same"  # no idea that could change behaviour
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A ruling with its reason, or why there is none."""

    ruling: Ruling | None  # None: not judged
    reason: str  # one line

    def __str__(self) -> str:
        return f"judged {self.ruling}: {self.reason}" if self.ruling else f"not judged: {self.reason}"


def can_be_judged(known: str, new: str) -> bool:
    """Whether both programs can be shown whole: of what is left out, nobody could say whether it differs."""
    return max(len(known), len(new)) <= JUDGED_CHARS


def build_novelty(task: Task, known: str, new: str) -> tuple[Message, ...]:
    """The question whether the program `new` differs from `known` in an idea."""
    text = filled(
        "novelty",
        task=f"# The task: {task.name}\n{task.summary}\n\n{objective_text(task)}",
        known=fenced(known, "python known", JUDGED_CHARS),
        new=fenced(new, "python new", JUDGED_CHARS),
    )
    return (Message("user", text),)


def read_novelty(reply: str) -> Judgement:
    """What `reply` says, if it is one line that begins with one of the two words; else that it is no verdict."""
    found = _VERDICT.fullmatch(reply.strip())
    if found is None:
        return Judgement(None, "the answer is not one line with a verdict")
    return Judgement(Ruling[found[1]], line(found[2], REASON_CHARS))
