"""What the proposer and the reader are told of the results: aggregates per regime, never tables."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATES = {"hit_rate": "found", "hit_any": "in common with any before", "bound_rate": "bound"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 for the table as it is, 1 a bound that is mostly out of reach), and the plans:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and shares of the tokens; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("% of the tokens by regime", regimes, RATES)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    found, shared, bound = (mean_metric(members, metric) for metric in RATES)
    return (
        f"- {regime}: {score_words(members)}; {found:.1f} % of the tokens found, at most {bound:.1f} %; "
        f"{shared:.1f} % in common with any prompt before, {mean_metric(members, 'hit_previous'):.1f} % with the one "
        f"just before; nothing found of {mean_metric(members, 'cold'):.0f} % of the prompts; different orders of "
        f"columns: {mean_metric(members, 'orders'):.0f} % of the rows"
    )
