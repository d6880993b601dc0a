"""What the proposer and the reader are told of the results: aggregates per regime, never availabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import InstanceResult, Outcome, Picture

SHARES = {"spot_share": "spot", "on_demand_share": "on demand", "idle_share": "idle"}
MOST_FAILURES = 5


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 on demand only, 1 clairvoyant optimum) and how the jobs were run:"]
    lines += [f"- {regime}: {_told(members)}" for regime, members in _scored(results).items()]
    failures = [result for result in results if result.outcome is not Outcome.SCORED]
    lines += [f"- {result.regime}: {result.outcome}: {result.detail}" for result in failures[:MOST_FAILURES]]
    if len(failures) > MOST_FAILURES:
        lines.append(f"- and {len(failures) - MOST_FAILURES} more failures")
    return "\n".join(lines)


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and shares of time by mode; a row per regime, as named."""
    regimes = _scored(results)
    names = ", ".join(regimes)
    scores = tuple((float(i), _mean_score(members)) for i, members in enumerate(regimes.values()))
    shares = tuple((float(i), *(_mean(members, key) for key in SHARES)) for i, members in enumerate(regimes.values()))
    return (
        Picture(name=f"score by regime ({names})", chart="bar", columns=("regime", "score"), rows=scores),
        Picture(name=f"time by mode ({names})", chart="bar", columns=("regime", *SHARES.values()), rows=shares),
    )


def _scored(results: Sequence[InstanceResult]) -> Mapping[str, list[InstanceResult]]:
    regimes: dict[str, list[InstanceResult]] = {}
    for result in results:
        if result.outcome is Outcome.SCORED:
            regimes.setdefault(result.regime, []).append(result)
    return regimes


def _told(members: Sequence[InstanceResult]) -> str:
    shares = ", ".join(f"{label} {100 * _mean(members, key):.0f} %" for key, label in SHARES.items())
    return (
        f"score {_mean_score(members):#.6g}; cost {_mean(members, 'cost_over_optimum'):.2f} x optimum; {shares}; "
        f"{_mean(members, 'starts'):.0f} starts, {_mean(members, 'moves'):.1f} moves, "
        f"guard {100 * _mean(members, 'forced_share'):.0f} %, {_mean(members, 'spare_h'):.1f} h early"
    )


def _mean_score(results: Sequence[InstanceResult]) -> float:
    return sum(result.counted_score for result in results) / len(results)


def _mean(results: Sequence[InstanceResult], metric: str) -> float:
    return sum(result.metrics[metric] for result in results) / len(results)
