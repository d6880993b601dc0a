"""What the proposer and the reader are told of the results: aggregates per regime, never networks."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

SHARES = {
    "busy": "speed in use",
    "exchange": "step in exchange",
    "hops": "step in first hops",
    "link_bound": "replicas paced by a link",
    "idle": "devices idle",
}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 devices in order, 1 a proven bound) and what the layouts are like:"]
    lines += [_told(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars per regime: the score, and where the time of a step goes."""
    regimes = scored_by_regime(results)
    return (score_bars(regimes), metric_bars("percent", regimes, SHARES))


def _told(regime: str, members: Sequence[InstanceResult]) -> str:
    parts = [
        score_words(members),
        f"step {mean_metric(members, 'step_over_bound'):.2f} of the bound",
        f"{mean_metric(members, 'stages'):.1f} stages, {mean_metric(members, 'replicas'):.1f} replicas",
        *(f"{mean_metric(members, name):.0f} % {words}" for name, words in SHARES.items()),
    ]
    return f"- {regime}: {'; '.join(parts)}"
