"""Which validations and looks the tells of a run call for: a fold, so that a resumed run makes the same. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evolve.run.champion import NUM_CONTENDERS, VALIDATION_SHARE
from evolve.run.fresh_look import NUM_EVALUATIONS
from evolve.run.standing import PastTell
from evolve.search.request import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class DueLook:
    """A look at the champion of the moment."""

    num_tells: int  # that were made by then
    num_validated: int  # candidates whose champion it is: so many of `ValidationPlan.validated`, from the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What one tell calls for."""

    validation: Member | None = None
    look: DueLook | None = None


class ValidationPlan:
    """Validations of each new top five, and looks, as long as both stay a tenth of the evaluations, rounded up.

    The top five is that of the programs which the run made: founders and twins have no place in it.
    """

    def __init__(self, look_is_due: Callable[[int], bool]) -> None:
        """`look_is_due` says whether so many tells end a round."""
        self.validated: list[Member] = []  # in tell order
        self.looks: list[DueLook] = []
        self._round_ends = look_is_due
        self._num_tells = 0
        self._evaluated = 0
        self._num_evaluations = 0  # for validations and looks
        self._look_is_due = False
        self._contenders: list[tuple[float, str]] = []

    def told(self, tell: PastTell) -> Due:
        """What the tell that was just made calls for."""
        self._num_tells += 1
        self._evaluated += tell.is_evaluation
        self._look_is_due = self._look_is_due or self._round_ends(self._num_tells)
        validation, look = None, None
        # A look that is due goes first: where newcomers come often it would wait for ever.
        newcomer = tell.newcomer
        if newcomer is not None and self._is_contender(newcomer) and not self._look_is_due and self._may_make(1):
            self._num_evaluations += 1
            self.validated.append(newcomer)
            validation = newcomer
        if self._look_is_due and self._may_make(self._look_cost):
            self._look_is_due = False
            look = self._next_look()
        return Due(validation=validation, look=look)

    def _is_contender(self, newcomer: Member) -> bool:
        self._contenders.append((newcomer.score, newcomer.candidate_id))
        self._contenders.sort(key=lambda pair: -pair[0])
        del self._contenders[NUM_CONTENDERS:]
        return any(candidate_id == newcomer.candidate_id for _, candidate_id in self._contenders)

    def _may_make(self, number: int) -> bool:
        return self._num_evaluations + number < VALIDATION_SHARE * self._evaluated + 1

    def _next_look(self) -> DueLook | None:
        if not self.validated:
            return None
        self._num_evaluations += self._look_cost
        look = DueLook(num_tells=self._num_tells, num_validated=len(self.validated))
        self.looks.append(look)
        return look

    @property
    def _look_cost(self) -> int:
        """In evaluations; the first look needs the initial program's own validation too."""
        return NUM_EVALUATIONS + (not self.looks)
