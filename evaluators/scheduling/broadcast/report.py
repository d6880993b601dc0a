"""What the proposer and the reader are told of the results: aggregates per regime, never networks."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

SHAPES = {"depth": "links to a destination", "relays": "relays per tree", "distinct_trees": "trees per partition"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 straight to each destination, 1 a proven bound), and what the trees were like:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the shape of the trees; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("shape of the trees", regimes, SHAPES)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    return (
        f"- {regime}: {score_words(members)}; cost {mean_metric(members, 'cost_over_bound'):.3f} x bound, "
        f"{100 * mean_metric(members, 'egress_share'):.0f} % of it egress; time "
        f"{mean_metric(members, 'time_over_direct'):.2f} x direct; {mean_metric(members, 'depth'):.2f} links to a "
        f"destination, {mean_metric(members, 'relays'):.2f} relays per tree, "
        f"{100 * mean_metric(members, 'distinct_trees'):.0f} different trees per 100 partitions"
    )
