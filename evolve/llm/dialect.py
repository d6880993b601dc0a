"""Which optional parameters a server takes: learnt from its refusals, once per model. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from evolve.llm.answers import Problem

OPENAI_LIMITS = ("max_completion_tokens", "max_tokens")
_OPTIONAL = ("temperature", "reasoning_effort", "reasoning", "store")  # in this order: "not with reasoning models"
_SIGNS = re.compile(
    r"unsupported|not (supported|support|permitted|allowed)|unrecogni[sz]ed|unknown|unexpected|extra (inputs|fields)"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a request is put."""

    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")  # the first left is sent; none left: no limit
    left_out: frozenset[str] = frozenset()

    def takes(self, parameter: str) -> bool:
        """Whether `parameter` is sent, as far as is known."""
        return parameter not in self.left_out

    @property
    def limit(self) -> str:
        """The name under which the longest reply is sent; empty if under none."""
        return self.limits[0] if self.limits else ""


def adapted(dialect: Dialect, problem: Problem) -> Dialect | None:
    """`dialect` without what a 400 complains of; None if the complaint is not about a parameter that can be left out.

    A value out of range (``max_tokens is too large``) is the user's to change, not ours to hide.
    """
    if not _SIGNS.search(f"{problem.message} {problem.code.replace('_', ' ')}".lower()):
        return None
    if dialect.limit and _names(problem, dialect.limit):
        return replace(dialect, limits=dialect.limits[1:])
    for parameter in _OPTIONAL:
        if dialect.takes(parameter) and _names(problem, parameter):
            return replace(dialect, left_out=dialect.left_out | {parameter})
    return None


def _names(problem: Problem, parameter: str) -> bool:
    if problem.parameter:
        return problem.parameter.split(".")[0] == parameter
    return re.search(rf"\b{parameter}\b", problem.message) is not None
