"""What the proposer and the reader are told of the results: aggregates per regime, never jobs or speeds."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATIOS = {"cost_over_bound": "over bound", "cost_over_weak": "over round robin"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 round robin with all machines on, 1 a bound that is out of reach), and the costs:"]
    lines += [f"- {regime}: {_told(members)}" for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the cost over bound and round robin; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("cost by regime", regimes, RATIOS)


def _told(members: Sequence[InstanceResult]) -> str:
    return (
        f"{score_words(members)}; cost {mean_metric(members, 'cost_over_bound'):.2f} x bound, "
        f"{100 * mean_metric(members, 'flow_share'):.0f} % of it flow time; weighted flow "
        f"{mean_metric(members, 'flow'):.0f} ticks; {100 * mean_metric(members, 'machines_on'):.0f} % of the machines "
        f"on, {mean_metric(members, 'starts'):.0f} started; {mean_metric(members, 'moves'):.2f} moves per job"
    )
