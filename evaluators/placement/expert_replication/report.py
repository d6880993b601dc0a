"""What the proposer and the reader are told of the results: aggregates per regime, never loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import InstanceResult, Outcome, Picture

PARTS = {
    "imbalance_us": "busiest GPU",
    "exchange_us": "all-to-all",
    "gathering_us": "fresh copies",
    "waiting_us": "waiting for plans",
    "migration_us": "moving weights",
}

MOST_FAILURES = 5


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = [
        "Score per regime (0 static placement, 1 unreachable bound) and where the time above balanced compute goes:"
    ]
    for regime, members in _by_regime(results).items():
        scored = [result for result in members if result.outcome is Outcome.SCORED]
        if scored:
            lines.append(f"- {regime}: score {_mean_score(scored):#.6g}; {_parts(scored)}; {_habits(scored)}")
    failures = [result for result in results if result.outcome is not Outcome.SCORED]
    lines += [f"- {result.regime}: {result.outcome}: {result.detail}" for result in failures[:MOST_FAILURES]]
    if len(failures) > MOST_FAILURES:
        lines.append(f"- and {len(failures) - MOST_FAILURES} more failures")
    return "\n".join(lines)


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the time above balanced compute by cause. Lines: balance and time over windows."""
    regimes = {
        regime: scored
        for regime, members in _by_regime(results).items()
        if (scored := [result for result in members if result.outcome is Outcome.SCORED])
    }
    scores = tuple((float(i), _mean_score(members)) for i, members in enumerate(regimes.values()))
    causes = tuple((float(i), *(_mean(members, part) for part in PARTS)) for i, members in enumerate(regimes.values()))
    names = ", ".join(regimes)
    return (
        Picture(name=f"score by regime ({names})", chart="bar", columns=("regime", "score"), rows=scores),
        Picture(name=f"microseconds by cause ({names})", chart="bar", columns=("regime", *PARTS), rows=causes),
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


def _by_regime(results: Sequence[InstanceResult]) -> Mapping[str, list[InstanceResult]]:
    regimes: dict[str, list[InstanceResult]] = {}
    for result in results:
        regimes.setdefault(result.regime, []).append(result)
    return regimes


def _parts(scored: Sequence[InstanceResult]) -> str:
    causes = {label: _mean(scored, part) for part, label in PARTS.items()}
    whole = sum(causes.values()) or 1.0
    return ", ".join(f"{label} {100 * value / whole:.0f} %" for label, value in causes.items())


def _habits(scored: Sequence[InstanceResult]) -> str:
    balance, moved = _mean(scored, "gpu_balance"), _mean(scored, "moved_fraction")
    return f"GPU balance {balance:.2f}, replicas moved per window {100 * moved:.0f} %"


def _mean_score(results: Sequence[InstanceResult]) -> float:
    return sum(result.counted_score for result in results) / len(results)


def _mean(results: Sequence[InstanceResult], metric: str) -> float:
    return sum(result.metrics[metric] for result in results) / len(results)
