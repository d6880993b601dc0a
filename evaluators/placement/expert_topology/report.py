"""What the proposer and the reader are told of the results: aggregates per regime, never tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

PARTS = {"balanced_us": "balanced compute", "imbalance_us": "busiest GPU", "exchange_us": "all-to-all"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime, one per way of serving, and one per failure."""
    lines = ["Score (0 experts in order, 1 unreachable bound) and where the time goes, per regime:"]
    lines += [f"- {regime}: {_told(members)}" for regime, members in scored_by_regime(results).items()]
    lines += ["and per service (prefill, decode: tokens at home; coherent, relayed: they follow their first expert):"]
    lines += [f"- {service}: {_told(members)}" for service, members in _by_service(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score, time by cause and copies that travel, per regime."""
    regimes = scored_by_regime(results)
    return (
        score_bars(regimes),
        metric_bars("us per iteration by cause", regimes, PARTS),
        metric_bars("copies per choice", regimes, {"away": "to another GPU", "abroad": "to another node"}),
    )


def _by_service(results: Sequence[InstanceResult]) -> Mapping[str, list[InstanceResult]]:
    """Scored results by the middle of their names."""
    found: dict[str, list[InstanceResult]] = {}
    for members in scored_by_regime(results).values():
        for result in members:
            found.setdefault(result.name.split("-")[1], []).append(result)
    return found


def _told(members: Sequence[InstanceResult]) -> str:
    whole = sum(mean_metric(members, part) for part in PARTS) or 1.0
    causes = ", ".join(f"{label} {100 * mean_metric(members, part) / whole:.0f} %" for part, label in PARTS.items())
    return (
        f"{score_words(members)}; {causes}; GPU balance {mean_metric(members, 'gpu_balance'):.2f}, "
        f"{mean_metric(members, 'away'):.2f} copies per choice to other GPUs, "
        f"{mean_metric(members, 'abroad'):.2f} to other nodes"
    )
