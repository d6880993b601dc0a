"""What every task's report is made of: results by regime, their means, and the failures that say why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from evaluators.contract import InstanceResult, Outcome, Picture
from evaluators.figures import significant
from evaluators.scoring import mean_score

MOST_REASONS = 5


def scored_by_regime(results: Sequence[InstanceResult]) -> Mapping[str, list[InstanceResult]]:
    """The scored results of each regime that has any, in order of appearance."""
    regimes: dict[str, list[InstanceResult]] = {}
    for result in results:
        if result.outcome is Outcome.SCORED:
            regimes.setdefault(result.regime, []).append(result)
    return regimes


def mean_metric(results: Sequence[InstanceResult], metric: str) -> float:
    """Mean of a metric that every one of `results` reports."""
    return sum(result.metrics[metric] for result in results) / len(results)


def score_words(results: Sequence[InstanceResult]) -> str:
    """The mean score of a regime's results, as every feedback says it."""
    return f"score {significant(mean_score(results))}"


def metric_rows(
    regimes: Mapping[str, Sequence[InstanceResult]], metrics: Iterable[str]
) -> tuple[tuple[float, ...], ...]:
    """A picture's rows: the number of the regime, then the mean of each metric."""
    names = tuple(metrics)
    return tuple((float(i), *(mean_metric(m, name) for name in names)) for i, m in enumerate(regimes.values()))


def score_bars(regimes: Mapping[str, Sequence[InstanceResult]]) -> Picture:
    """The mean score of each regime; a row per regime, as named."""
    rows = tuple((float(i), mean_score(members)) for i, members in enumerate(regimes.values()))
    return Picture(name=f"score by regime ({', '.join(regimes)})", chart="bar", columns=("regime", "score"), rows=rows)


def metric_bars(
    what: str, regimes: Mapping[str, Sequence[InstanceResult]], metrics: Mapping[str, str] | Sequence[str]
) -> Picture:
    """Means of `metrics` (by their labels, where a mapping gives any) for each regime; a row per regime, as named."""
    rows = metric_rows(regimes, metrics)
    labels = metrics.values() if isinstance(metrics, Mapping) else metrics
    return Picture(name=f"{what} ({', '.join(regimes)})", chart="bar", columns=("regime", *labels), rows=rows)


def failure_lines(results: Sequence[InstanceResult]) -> list[str]:
    """A line for each of the first reasons of failures, and one that counts the other failures, played or not."""
    failures = [result for result in results if result.outcome is not Outcome.SCORED]
    alike: dict[tuple[Outcome, str], list[InstanceResult]] = {}
    for result in failures:
        if result.detail:
            alike.setdefault((result.outcome, result.detail), []).append(result)
    told = list(alike.values())[:MOST_REASONS]
    lines = [f"- {_where(group)}: {group[0].outcome}: {group[0].detail}" for group in told]
    more = len(failures) - sum(map(len, told))
    return lines + ([f"- and {more} more failures"] if more else [])


def _where(failures: Sequence[InstanceResult]) -> str:
    """The regime of one failure; of several, how many, and the regime if it is one."""
    regimes = {failure.regime for failure in failures}
    count = "" if len(failures) == 1 else f"{len(failures)} instances"
    return ", ".join(filter(None, [failures[0].regime if len(regimes) == 1 else "", count]))
