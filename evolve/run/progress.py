"""What a run has done so far, for whoever draws it. Written by the driver only."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

_ENOUGH = 1 / 4  # of a part, before its pace tells when it ends


@dataclass(slots=True)
class Stretch:
    """A part of a run with a known number of programs: before the search its founders, after it what is judged."""

    what: str
    total: int
    known: int  # archived before: they cost nothing, and tell nothing of the pace
    began_s: float
    workers: int = 1  # that play programs side by side
    each_s: float | None = None  # what one takes, where earlier ones tell
    done: int = 0  # of the others
    last_s: float = 0.0  # from the start to the last one done

    @property
    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        return (self.known + self.done) / self.total if self.total else 1.0

    @property
    def left_s(self) -> float | None:
        """What the rest takes at the pace so far, or of earlier programs until a quarter is done; None without either.

        Programs differ much in what they take, and of those that ended first there are more cheap ones.
        """
        left = self.total - self.known - self.done
        if self.done and self.done >= _ENOUGH * (self.done + left):
            under_way = min(self.workers - 1, left) / 2  # each of them half done, more or less
            return self.last_s * (left - under_way) / (self.done + under_way)
        return None if self.each_s is None else self.each_s * left / min(self.workers, max(1, left))


@dataclass(slots=True)
class Progress:
    """Figures of a run in progress."""

    task: str
    run_id: str
    phase: str = "starting"
    searching: bool = False  # whether the budget is being spent: it is not before the search, nor after it
    stretch: Stretch | None = None  # the part under way, where its programs can be counted
    now: Callable[[], float] = time.monotonic
    workers: int = 1
    asked: int = 0
    told: int = 0
    evaluated: int = 0  # attempts that reached a quick evaluation or failed on the way
    evaluated_before: int = 0  # this session
    outcomes: Counter[str] = field(default_factory=Counter)  # of this session's attempts: an outcome, or "rejected"
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

    def enter_stretch(self, what: str, total: int, known: int, each_s: float | None = None) -> None:
        """Begin a part of `total` programs, of which `known` are archived already; `each_s` is what one may take."""
        self.searching = False
        self.stretch = Stretch(
            what=what, total=total, known=known, began_s=self.now(), workers=self.workers, each_s=each_s
        )
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
