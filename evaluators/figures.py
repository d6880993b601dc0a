"""Scores and differences of scores as people and models read them: four digits, and zero without a sign of its own."""

from __future__ import annotations


def score_text(score: float) -> str:
    """A score, which says by itself whether it is below zero."""
    return f"{score:z.4f}"


def difference_text(difference: float) -> str:
    """A difference of scores, with its sign."""
    return f"{difference:+z.4f}"


def score_range(low: float, high: float) -> str:
    """The interval of a score."""
    return f"[{score_text(low)}, {score_text(high)}]"


def difference_range(low: float, high: float) -> str:
    """The interval of a difference of scores."""
    return f"[{difference_text(low)}, {difference_text(high)}]"


def significant(value: float) -> str:
    """Four significant digits, no trailing zeros: what prompts and feedbacks say; stored values keep all of theirs."""
    return f"{float(f'{value:.4g}') + 0.0:g}"


def significant_change(change: float) -> str:
    """The same with its sign."""
    return f"{float(f'{change:.4g}') + 0.0:+g}"
