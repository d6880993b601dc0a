"""What the proposer and the reader are told of the results: aggregates per regime, never clusters."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.figures import significant
from evaluators.placement.model_packing.cluster import FULL_PRESSURE
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

SHARES = {"tight_gpus": "GPUs within 10 % of the tightest", "free_sd": "spread of free memory"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure, and the public form of the score."""
    lines = ["Score per regime (0 first fit, 1 a proven bound of the least room) and what the placements are like:"]
    lines += [_told(regime, members) for regime, members in scored_by_regime(results).items()]
    lines += [f"1 / mean(largest pressure) + success, as in ADRS: {significant(adrs_score(results))}"]
    return "\n".join(lines + failure_lines(results))


def adrs_score(results: Sequence[InstanceResult]) -> float:
    """The public form: one over the mean of the largest pressures, plus the share of instances placed.

    The public evaluator leaves failures out of the mean; here each counts as a full GPU.
    """
    pressures = [result.metrics.get("max_kvpr", FULL_PRESSURE) for result in results]
    return len(results) / sum(pressures) + sum("max_kvpr" in result.metrics for result in results) / len(results)


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, what placements are like, and the public form; a row per regime, as named."""
    regimes = scored_by_regime(results)
    public = tuple((float(i), adrs_score(members)) for i, members in enumerate(regimes.values()))
    name = f"score as in ADRS ({', '.join(regimes)})"
    return (
        score_bars(regimes),
        metric_bars("percent", regimes, SHARES),
        Picture(name=name, chart="bar", columns=("regime", "ADRS form"), rows=public),
    )


def _told(regime: str, members: Sequence[InstanceResult]) -> str:
    parts = [
        f"{score_words(members)}",
        f"room {100 * mean_metric(members, 'room_over_bound'):.1f} % of the bound",
        f"{mean_metric(members, 'tight_gpus'):.0f} % of the GPUs within 10 % of the tightest",
    ]
    moving = [result for result in members if "moved" in result.metrics]
    if moving:
        parts.append(f"{mean_metric(moving, 'moved'):.1f} % of the placed GB moved")
    return f"- {regime}: {'; '.join(parts)}"
