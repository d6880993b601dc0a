"""What the proposer and the reader are told of the results: aggregates per regime, never shops."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

SHARES = ("utilisation", "blocked")


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = [
        "Score per regime (0 first in first out, 1 a bound that is mostly out of reach), and how machines spent time:"
    ]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and how the machines spent their time; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("percent of machine time", regimes, SHARES)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    parts = [
        f"{score_words(members)}",
        f"makespan {mean_metric(members, 'gap_to_bound'):.0f} % above the bound",
        f"machines busy {mean_metric(members, 'utilisation'):.0f} %",
    ]
    if blocked := mean_metric(members, "blocked"):
        parts.append(f"blocked {blocked:.0f} %")
    parts.append(f"{mean_metric(members, 'delayed'):.0f} % of the decisions let a machine wait")
    return f"- {regime}: {'; '.join(parts)}"
