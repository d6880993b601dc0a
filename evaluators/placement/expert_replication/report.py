"""What the proposer and the reader are told of the results: aggregates per regime, never loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

PARTS = {
    "imbalance_us": "busiest GPU",
    "exchange_us": "all-to-all",
    "gathering_us": "fresh copies",
    "waiting_us": "waiting for plans",
    "migration_us": "moving weights",
}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = [
        "Score per regime (0 static placement, 1 unreachable bound) and where the time above balanced compute goes:"
    ]
    for regime, scored in scored_by_regime(results).items():
        lines.append(f"- {regime}: {score_words(scored)}; {_parts(scored)}; {_habits(scored)}")
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the time above balanced compute by cause. Lines: balance and time over windows."""
    regimes = scored_by_regime(results)
    return (
        score_bars(regimes),
        metric_bars("us per iteration by cause", regimes, tuple(PARTS)),
        _over_windows("gpu_balance", "GPU balance of the next window", regimes),
        _over_windows("time_over_bound", "time over the bound by window", regimes),
    )


def _over_windows(curve: str, name: str, regimes: Mapping[str, Sequence[InstanceResult]]) -> Picture:
    """A line per regime, the mean over its scenarios; a row per scored window."""
    means = [_mean_curve([result.curves[curve] for result in members]) for members in regimes.values()]
    rows = tuple((float(window), *values) for window, values in enumerate(zip(*means, strict=False)))
    return Picture(name=name, chart="line", columns=("window", *regimes), rows=rows)


def _mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    return [sum(values) / len(values) for values in zip(*curves, strict=False)]


def _parts(scored: Sequence[InstanceResult]) -> str:
    causes = {label: mean_metric(scored, part) for part, label in PARTS.items()}
    whole = sum(causes.values()) or 1.0
    return ", ".join(f"{label} {100 * value / whole:.0f} %" for label, value in causes.items())


def _habits(scored: Sequence[InstanceResult]) -> str:
    balance, moved = mean_metric(scored, "gpu_balance"), mean_metric(scored, "moved_fraction")
    return f"GPU balance {balance:.2f}, replicas moved per window {100 * moved:.0f} %"
