"""What a run has done so far, for whoever draws it. Written by the driver only."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stretch:
    """A part of a run with a known number of programs: before the search its founders, after it what is judged."""

    what: str
    total: int
    known: int  # archived before: they cost nothing, and tell nothing of the pace
    began_s: float
    done: int = 0  # of the others
    last_s: float = 0.0  # from the start to the last one done

    @property
    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        return (self.known + self.done) / self.total if self.total else 1.0

    @property
    def left_s(self) -> float | None:
        """What the rest takes at the pace so far; None before the first one is done."""
        return self.last_s / self.done * (self.total - self.known - self.done) if self.done else None


@dataclass(slots=True)
class Progress:
    """Figures of a run in progress."""

    task: str
    run_id: str
    phase: str = "starting"
    searching: bool = False  # whether the budget is being spent: it is not before the search, nor after it
    stretch: Stretch | None = None  # the part under way, where its programs can be counted
    now: Callable[[], float] = time.monotonic
    asked: int = 0
    told: int = 0
    evaluated: int = 0  # attempts that reached a quick evaluation or failed on the way
    outcomes: Counter[str] = field(default_factory=Counter)  # of attempts: an outcome, or "rejected"
    initial_score: float | None = None
    baseline_scores: dict[str, float] = field(default_factory=dict)
    best_score: float | None = None
    best_id: str = ""
    best_change: str = ""
    elapsed_s: float = 0.0

    @property
    def best_baseline(self) -> tuple[str, float] | None:
        """Name and search score of the strongest baseline."""
        return max(self.baseline_scores.items(), key=lambda pair: pair[1], default=None)

    def enter(self, phase: str, *, searching: bool = False) -> None:
        """Begin a part of the run whose length is not known, or is the budget's."""
        self.phase, self.searching, self.stretch = phase, searching, None

    def enter_stretch(self, what: str, total: int, known: int) -> None:
        """Begin a part of `total` programs, of which `known` are archived already."""
        self.searching = False
        self.stretch = Stretch(what=what, total=total, known=known, began_s=self.now())
        self._count()

    def one_more(self) -> None:
        """Count a program of the part under way that was not known before."""
        if self.stretch is not None:
            self.stretch.done += 1
            self.stretch.last_s = self.now() - self.stretch.began_s
            self._count()

    def _count(self) -> None:
        if self.stretch is not None:
            part = self.stretch
            self.phase = f"{part.what}: {part.known + part.done} of {part.total} programs"
