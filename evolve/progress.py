"""What a run has done so far, for whoever draws it. Written by the driver only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Figures of a run in progress."""

    task: str
    run_id: str
    phase: str = "starting"
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
