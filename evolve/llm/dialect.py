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

    def without(self, parameter: str) -> Dialect:
        """The dialect that does not use `parameter`; the same if it does not use it now."""
        if parameter in self.limits:
            return replace(self, limits=tuple(limit for limit in self.limits if limit != parameter))
        return replace(self, left_out=self.left_out | {parameter})


def parameter_at_fault(dialect: Dialect, problem: Problem) -> str:
    """What the server does not take of what `dialect` sends; empty if a 400 complains of something else.

    A value out of range (``max_tokens is too large``) is the user's to change, not ours to hide.
    """
    if not _SIGNS.search(f"{problem.message} {problem.code.replace('_', ' ')}".lower()):
        return ""
    sent = [dialect.limit, *(parameter for parameter in _OPTIONAL if dialect.takes(parameter))]
    return next((parameter for parameter in sent if parameter and _names(problem, parameter)), "")


def _names(problem: Problem, parameter: str) -> bool:
    if problem.parameter:
        return problem.parameter.split(".")[0] == parameter
    return re.search(rf"\b{parameter}\b", problem.message) is not None
