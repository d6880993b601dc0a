"""What the proposer and the reader are told of the results: aggregates per regime, never shops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluators.contract import InstanceResult, Outcome, Picture

MOST_FAILURES = 5
SHARES = ("utilisation", "blocked")


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = [
        "Score per regime (0 first in first out, 1 a bound that is mostly out of reach), and how machines spent time:"
    ]
    lines += [_line(regime, members) for regime, members in _scored_by_regime(results).items()]
    failures = [result for result in results if result.outcome is not Outcome.SCORED]
    lines += [f"- {result.regime}: {result.outcome}: {result.detail}" for result in failures[:MOST_FAILURES]]
    if len(failures) > MOST_FAILURES:
        lines.append(f"- and {len(failures) - MOST_FAILURES} more failures")
    return "\n".join(lines)


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and how the machines spent their time; a row per regime, as named."""
    regimes = _scored_by_regime(results)
    scores = tuple((float(i), _mean_score(members)) for i, members in enumerate(regimes.values()))
    shares = tuple((float(i), *(_mean(members, x) for x in SHARES)) for i, members in enumerate(regimes.values()))
    names = ", ".join(regimes)
    return (
        Picture(name=f"score by regime ({names})", chart="bar", columns=("regime", "score"), rows=scores),
        Picture(name=f"percent of machine time ({names})", chart="bar", columns=("regime", *SHARES), rows=shares),
    )


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    parts = [
        f"score {_mean_score(members):#.6g}",
        f"makespan {_mean(members, 'gap_to_bound'):.0f} % above the bound",
        f"machines busy {_mean(members, 'utilisation'):.0f} %",
    ]
    if blocked := _mean(members, "blocked"):
        parts.append(f"blocked {blocked:.0f} %")
    parts.append(f"{_mean(members, 'delayed'):.0f} % of the decisions let a machine wait")
    return f"- {regime}: {'; '.join(parts)}"


def _scored_by_regime(results: Sequence[InstanceResult]) -> Mapping[str, list[InstanceResult]]:
    regimes: dict[str, list[InstanceResult]] = {}
    for result in results:
        if result.outcome is Outcome.SCORED:
            regimes.setdefault(result.regime, []).append(result)
    return regimes


def _mean_score(results: Sequence[InstanceResult]) -> float:
    return sum(result.counted_score for result in results) / len(results)


def _mean(results: Sequence[InstanceResult], metric: str) -> float:
    return sum(result.metrics[metric] for result in results) / len(results)
