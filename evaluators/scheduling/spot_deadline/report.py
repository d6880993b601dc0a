"""What the proposer and the reader are told of the results: aggregates per regime, never availabilities."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

SHARES = {"spot_share": "spot", "on_demand_share": "on demand", "idle_share": "idle"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 on demand only, 1 clairvoyant optimum) and how the jobs were run:"]
    lines += [f"- {regime}: {_told(members)}" for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and shares of time by mode; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("time by mode", regimes, SHARES)


def _told(members: Sequence[InstanceResult]) -> str:
    shares = ", ".join(f"{label} {100 * mean_metric(members, key):.0f} %" for key, label in SHARES.items())
    return (
        f"{score_words(members)}; cost {mean_metric(members, 'cost_over_optimum'):.2f} x optimum; {shares}; "
        f"{mean_metric(members, 'starts'):.0f} starts, {mean_metric(members, 'moves'):.1f} moves, "
        f"guard {100 * mean_metric(members, 'forced_share'):.0f} %, {mean_metric(members, 'spare_h'):.1f} h early"
    )
