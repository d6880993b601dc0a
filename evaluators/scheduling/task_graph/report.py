"""What the proposer and the reader are told of the results: aggregates per regime, never graphs."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATIOS = {"makespan_over_bound": "over bound", "makespan_over_heft": "over HEFT"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 is tasks in order, 1 a bound that may be out of reach), and the schedules:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the makespan over its bound and over HEFT's; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("makespan by regime", regimes, RATIOS)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    over_bound, over_heft = (mean_metric(members, metric) for metric in RATIOS)
    speedup, busy, used, crossing, extra = (
        mean_metric(members, metric) for metric in ("speedup", "busy", "used", "crossing", "extra")
    )
    return (
        f"- {regime}: {score_words(members)}; makespan {over_bound:.3f} x bound, {over_heft:.3f} x HEFT; "
        f"{speedup:.2f} x as fast as one processor; {used:.0f} % of the processors used, busy {busy:.0f} %; "
        f"{crossing:.0f} % of the edges between processors; tasks take {extra:.0f} % more than on their fastest"
    )
