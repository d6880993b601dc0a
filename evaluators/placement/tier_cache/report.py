"""What the proposer and the reader are told of the results: aggregates per regime, never traces."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATIOS = {"time_over_bound": "over bound", "time_over_lru": "over LRU"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 LRU on demand, 1 a bound that needs the future), and what the link did:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and time over bound and over that of LRU; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("time by regime", regimes, RATIOS)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    over_bound, over_lru = (mean_metric(members, metric) for metric in RATIOS)
    percent = {name: 100 * mean_metric(members, name) for name in ("hit_rate", "stall", "ahead", "wasted", "link_busy")}
    return (
        f"- {regime}: {score_words(members)}; time {over_bound:.2f} x bound, {over_lru:.2f} x LRU; "
        f"{percent['hit_rate']:.0f} % hits; waits {percent['stall']:.0f} % of the time; link busy "
        f"{percent['link_busy']:.0f} %; {mean_metric(members, 'loads'):.2f} loads per event, {percent['ahead']:.0f} % "
        f"ahead, of these {percent['wasted']:.0f} % unused"
    )
