"""What the proposer and the reader are told of the results: aggregates per regime, never times of stages."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATIOS = {"step_over_bound": "over bound", "step_over_1f1b": "over 1F1B"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 is 1F1B, 1 a bound that may be out of reach), and the schedules:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the step over its bound and over that of 1F1B; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("step by regime", regimes, RATIOS)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    over_bound, over_weak = (mean_metric(members, metric) for metric in RATIOS)
    idle, least, peak, deep, postponed = (
        mean_metric(members, metric) for metric in ("bubble", "bubble_longest", "peak", "under_way", "postponed")
    )
    return (
        f"- {regime}: {score_words(members)}; step {over_bound:.3f} x bound, {over_weak:.3f} x 1F1B; devices idle "
        f"{idle:.1f} %, the busiest {least:.1f} %; the fullest device at {peak:.0f} % of its memory; up to "
        f"{deep:.2f} x D micro-batches under way; {postponed:.0f} % of the weight gradients postponed"
    )
