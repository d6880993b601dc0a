"""What the proposer and the reader are told of the results: aggregates per regime, never requests."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.figures import significant
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, score_words, scored_by_regime

_GOALS = ("energy_j_per_token", "tuned_tokens_per_s", "quality")
_TOLD = ("attainment", "speed", "tail", "ttft_s", "tpot_ms", "preemptions")


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Per regime: score (0 round robin, 1 unreachable bound), then what it is made of:"]
    for regime, scored in scored_by_regime(results).items():
        mean = {name: mean_metric(scored, name) for name in _TOLD}
        lines.append(
            f"- {regime}: {score_words(scored)}; SLO attainment {mean['attainment']:.2f}, "
            f"speed {mean['speed']:.2f}, slowest 5 % {mean['tail']:.2f}; {_misses(scored)}; "
            f"TTFT {mean['ttft_s']:.2f} s, "
            f"TPOT {mean['tpot_ms']:.0f} ms, preemptions {mean['preemptions']:.2f}{_hits(scored)}{_goal(scored)}"
        )
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars per regime: score, and the parts of the utility."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("parts of the utility", regimes, ("attainment", "speed", "tail"))


def _misses(scored: Sequence[InstanceResult]) -> str:
    """Shares of the requests that missed each limit, and the limits; every request ends, starved ones far too late."""
    late = {name: mean_metric(scored, name) for name in ("ttft_late", "tpot_late", "starved")}
    of_class = {"": "slo_ttft_s", "urgent ": "slo_ttft_urgent_s"}
    known = {kind: [r for r in scored if name in r.metrics] for kind, name in of_class.items()}
    limits = [f"{kind}{significant(mean_metric(rs, of_class[kind]))} s" for kind, rs in known.items() if rs]
    return (
        f"missed: TTFT {late['ttft_late']:.2f} (limit {', '.join(limits)}), TPOT {late['tpot_late']:.2f} "
        f"(limit {significant(mean_metric(scored, 'slo_tpot_ms'))} ms), starved {late['starved']:.2f}"
    )


def _hits(scored: Sequence[InstanceResult]) -> str:
    rate = mean_metric(scored, "hit_rate")
    return f", prefix hits {rate:.2f}" if rate else ""


def _goal(scored: Sequence[InstanceResult]) -> str:
    """How much of a goal beside latency was had, where there is one."""
    told = [f"{name.replace('_', ' ')} {mean_metric(scored, name):.3g}" for name in _GOALS if name in scored[0].metrics]
    return f", goal {mean_metric(scored, 'goal'):.2f} ({told[0]})" if told else ""
