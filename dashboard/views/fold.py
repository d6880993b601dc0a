"""A fold over the told attempts of a run: new ones are added, nothing is read twice."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from archive.run_views import Told

MAX_BINS = 200  # of tells, for the outcome mix; bins double as the run grows
MAX_STEPS = 2_000
_RECENT = 200  # told attempts that the present rate is taken from


@dataclass(slots=True)
class Tally:
    """What became of some attempts."""

    attempts: int = 0
    scored: int = 0
    best: float | None = None

    def add(self, told: Told) -> None:
        """Counts one in."""
        self.attempts += 1
        self.scored += told.outcome == "scored"
        if told.score is not None and (self.best is None or told.score > self.best):
            self.best = told.score


@dataclass(frozen=True, slots=True)
class Step:
    """A program that led from a tell on."""

    tell_order: int
    score: float
    candidate_id: str


@dataclass(slots=True)
class RunFold:
    """What is known of a run after so many tells; its size does not grow with the run."""

    last_tell: int = -1
    outcomes: Counter[str] = field(default_factory=Counter)
    steps: list[Step] = field(default_factory=list)
    islands: dict[int, Tally] = field(default_factory=dict)
    operators: dict[str, Tally] = field(default_factory=dict)
    proposers: dict[str, Tally] = field(default_factory=dict)
    bin_width: int = 1
    bins: dict[int, Counter[str]] = field(default_factory=dict)
    first_at: str = ""
    last_at: str = ""
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def add(self, page: Iterable[Told]) -> None:
        """Folds attempts in, in the order told."""
        for told in page:
            self._add(told)

    def snapshot(self) -> RunFold:
        """A copy that later attempts do not change, for a reader in another thread."""
        return replace(
            self,
            outcomes=self.outcomes.copy(),
            steps=list(self.steps),
            islands={key: replace(tally) for key, tally in self.islands.items()},
            operators={key: replace(tally) for key, tally in self.operators.items()},
            proposers={key: replace(tally) for key, tally in self.proposers.items()},
            bins={key: counts.copy() for key, counts in self.bins.items()},
            recent=self.recent.copy(),
        )

    def _add(self, told: Told) -> None:
        self.last_tell = told.tell_order
        self.outcomes[told.outcome] += 1
        self.islands.setdefault(told.island, Tally()).add(told)
        self.proposers.setdefault(told.proposer, Tally()).add(told)
        for name in dict.fromkeys(told.operator.split("+")):  # an attempt that stacks several counts for each
            self.operators.setdefault(name, Tally()).add(told)
        is_own = told.outcome != "twin"  # whose score is another's
        if is_own and told.score is not None and told.candidate_id is not None:
            self._lead(Step(told.tell_order, told.score, told.candidate_id))
        while told.tell_order // self.bin_width >= MAX_BINS:
            self._widen()
        self.bins.setdefault(told.tell_order // self.bin_width, Counter())[told.outcome] += 1
        self.first_at = self.first_at or told.told_at
        self.last_at = told.told_at
        self.recent.append(told.told_at)

    def _lead(self, step: Step) -> None:
        if self.steps and step.score <= self.steps[-1].score:
            return
        if len(self.steps) == MAX_STEPS:  # the last leader is the one that matters
            self.steps.pop()
        self.steps.append(step)

    def _widen(self) -> None:
        """Bins of twice the width."""
        self.bin_width *= 2
        wider: dict[int, Counter[str]] = {}
        for number, counts in self.bins.items():
            wider.setdefault(number // 2, Counter()).update(counts)
        self.bins = wider

    @property
    def told(self) -> int:
        """Attempts that ended."""
        return self.last_tell + 1

    @property
    def evaluated(self) -> int:
        """Attempts that ended with an evaluation of their own, as the budget of evaluations counts them."""
        return self.told - self.outcomes["rejected"] - self.outcomes["twin"]

    @property
    def best(self) -> Step | None:
        """The leader by search score."""
        return self.steps[-1] if self.steps else None

    @property
    def attempts_per_minute(self) -> float | None:
        """Over the last attempts; None where their times say nothing."""
        if len(self.recent) < 2:
            return None
        elapsed_s = _seconds(self.recent[0], self.recent[-1])
        return 60.0 * (len(self.recent) - 1) / elapsed_s if elapsed_s else None

    @property
    def elapsed_s(self) -> float:
        """From the first tell to the last."""
        return _seconds(self.first_at, self.last_at) if self.first_at and self.last_at else 0.0


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
