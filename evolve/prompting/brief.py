"""What a prompt is made from. No budget, no hold-out or validation figure and no secret has a place in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evaluators.contract import Task
from evolve.errors import EvolveError
from evolve.patch.patched import ReplyForm
from evolve.search.request import Operator

CLEAR_GAIN = 0.02  # least difference of two scores that a prompt points to, as a share of the larger


class PromptError(EvolveError, ValueError):
    """An operator that no prompt asks for, or a template that does not fit what it is filled with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A scored program as a model sees it; every figure is of the search split."""

    name: str  # as the prompt calls it
    source: str
    score: float  # the objective; higher is better
    regimes: Mapping[str, float] = field(default_factory=dict)  # mean counted score by regime
    metrics: Mapping[str, float] = field(default_factory=dict)
    feedback: str = ""

    def may_be_above(self, other: Shown) -> bool:
        """Whether it scores more in all, or so much more in a regime that it is worth telling, as far as is known."""
        shared = self.regimes.keys() & other.regimes.keys()
        if self.score > other.score or not shared:
            return True
        return any(is_clearly_above(self.regimes[name], other.regimes[name]) for name in shared)


def is_clearly_above(score: float, other: float) -> bool:
    """Whether there is more between the two than the little by which any two programs differ somewhere."""
    return score - other >= CLEAR_GAIN * max(abs(score), abs(other)) and score > other


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A child of this lineage that came to nothing."""

    change: str  # what it tried, in its model's words
    outcome: str  # how it ended: an `Outcome`, that it was rejected, or its score beside the parent's
    detail: str = ""
    changes: Mapping[str, float] = field(default_factory=dict)  # by regime: mean score less the parent's
    source: str = ""  # needed where it is to be repaired


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptBrief:
    """One prompt."""

    task: Task
    operator: Operator
    form: ReplyForm
    parent: Shown  # for a repair: the scored program that the broken one was made from
    inspirations: tuple[Shown, ...] = ()  # the partner of a crossover first
    best_regimes: Mapping[str, float] = field(default_factory=dict)  # highest mean of any program that the ask knew of
    failures: tuple[Failure, ...] = ()  # newest first
    lessons: str = ""
    advice: str = ""  # on how to go about it, from a model
    hints: tuple[str, ...] = ()  # newest last
    broken: Failure | None = None  # for a repair, with its source

    @property
    def asked(self) -> Operator:
        """`operator`; a plain change where there is nothing to repair, or nothing to take from another program."""
        has_broken = self.broken is not None and bool(self.broken.source)
        has_partner = bool(self.inspirations) and self.inspirations[0].may_be_above(self.parent)
        impossible = {Operator.REPAIR: not has_broken, Operator.CROSSOVER: not has_partner}
        if not impossible.get(self.operator, False):
            return self.operator
        return Operator.FULL if self.form is ReplyForm.FULL else Operator.DIFF

    @property
    def subject(self) -> str:
        """The program that the reply is applied to: the parent's, or the broken one."""
        if self.asked is Operator.REPAIR and self.broken is not None:
            return self.broken.source
        return self.parent.source
