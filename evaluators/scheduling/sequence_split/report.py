"""What the proposer and the reader are told of the results: aggregates per regime, never lengths."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

RATIOS = {"step_over_bound": "over bound", "step_over_first_fit": "over first fit"}


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Score per regime (0 is first fit, 1 a bound that may be out of reach), and the plans:"]
    lines += [_line(regime, members) for regime, members in scored_by_regime(results).items()]
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars: score per regime, and the step over its bound and over that of first fit; a row per regime, as named."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("step by regime", regimes, RATIOS)


def _line(regime: str, members: Sequence[InstanceResult]) -> str:
    over_bound, over_weak = (mean_metric(members, metric) for metric in RATIOS)
    busy, added, cut, width, crossing, used, fullest = (
        mean_metric(members, metric)
        for metric in ("busy", "added", "cut", "width", "crossing", "micro_batches", "fullest")
    )
    return (
        f"- {regime}: {score_words(members)}; step {over_bound:.3f} x bound, {over_weak:.2f} x first fit; "
        f"ranks busy {busy:.1f} %; rings add {added:.1f} % work; {cut:.0f} % of the sequences cut, into {width:.1f}, "
        f"{crossing:.0f} % over nodes; {used:.1f} micro-batches, the fullest rank at {fullest:.0f} % of the cap"
    )
