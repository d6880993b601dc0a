"""What the proposer and the reader are told of the results: aggregates per regime, never transactions."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATIOS = {"makespan_over_bound": "over bound", "makespan_over_arrival": "over arrival"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 in order of arrival, 1 a bound that is mostly out of reach), and the orders:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and makespan over bound and over that of arrival; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("makespan by regime", regimes, RATIOS)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    over_bound, over_arrival = (mean_metric(members, metric) for metric in RATIOS)
    return (
        f"- {regime}: {score_words(members)}; makespan {over_bound:.2f} x bound, {over_arrival:.2f} x "
        f"arrival; {mean_metric(members, 'in_flight'):.1f} operations per slot; moved by "
        f"{mean_metric(members, 'moved'):.0f} % of the batch; {mean_metric(members, 'overtaking'):.0f} % start before "
        "one admitted earlier"
    )
