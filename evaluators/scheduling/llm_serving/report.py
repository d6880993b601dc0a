"""What the proposer and the reader are told of the results: aggregates per regime, never requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import InstanceResult, Outcome, Picture

MOST_FAILURES = 5
_TOLD = ("attainment", "speed", "tail", "ttft_s", "tpot_ms", "preemptions")


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Per regime: score (0 round robin, 1 unreachable bound), then what it is made of:"]
    for regime, scored in _scored_by_regime(results).items():
        mean = {name: _mean(scored, name) for name in _TOLD}
        lines.append(
            f"- {regime}: score {_mean_score(scored):#.6g}; SLO attainment {mean['attainment']:.2f}, "
            f"speed {mean['speed']:.2f}, slowest 5 % {mean['tail']:.2f}; TTFT {mean['ttft_s']:.2f} s, "
            f"TPOT {mean['tpot_ms']:.0f} ms, preemptions {mean['preemptions']:.2f}{_hits(scored)}"
        )
    failures = [result for result in results if result.outcome is not Outcome.SCORED]
    lines += [f"- {result.regime}: {result.outcome}: {result.detail}" for result in failures[:MOST_FAILURES]]
    if len(failures) > MOST_FAILURES:
        lines.append(f"- and {len(failures) - MOST_FAILURES} more failures")
    return "\n".join(lines)


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars per regime: score, and the parts of the utility."""
    regimes = _scored_by_regime(results)
    names = ", ".join(regimes)
    parts = ("attainment", "speed", "tail")
    scores = tuple((float(i), _mean_score(members)) for i, members in enumerate(regimes.values()))
    made_of = tuple((float(i), *(_mean(members, part) for part in parts)) for i, members in enumerate(regimes.values()))
    return (
        Picture(name=f"score by regime ({names})", chart="bar", columns=("regime", "score"), rows=scores),
        Picture(name=f"parts of the utility ({names})", chart="bar", columns=("regime", *parts), rows=made_of),
    )


def _scored_by_regime(results: Sequence[InstanceResult]) -> Mapping[str, list[InstanceResult]]:
    regimes: dict[str, list[InstanceResult]] = {}
    for result in results:
        if result.outcome is Outcome.SCORED:
            regimes.setdefault(result.regime, []).append(result)
    return regimes


def _hits(scored: Sequence[InstanceResult]) -> str:
    rate = _mean(scored, "hit_rate")
    return f", prefix hits {rate:.2f}" if rate else ""


def _mean_score(results: Sequence[InstanceResult]) -> float:
    return sum(result.counted_score for result in results) / len(results)


def _mean(results: Sequence[InstanceResult], metric: str) -> float:
    return sum(result.metrics[metric] for result in results) / len(results)
