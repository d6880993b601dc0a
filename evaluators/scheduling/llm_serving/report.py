"""What the proposer and the reader are told of the results: aggregates per regime, never requests."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, score_bars, scored_by_regime
from evaluators.scoring import mean_score

_GOALS = ("energy_j_per_token", "tuned_tokens_per_s", "quality")
_TOLD = ("attainment", "speed", "tail", "ttft_s", "tpot_ms", "preemptions")


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    lines = ["Per regime: score (0 round robin, 1 unreachable bound), then what it is made of:"]
    for regime, scored in scored_by_regime(results).items():
        mean = {name: mean_metric(scored, name) for name in _TOLD}
        lines.append(
            f"- {regime}: score {mean_score(scored):#.6g}; SLO attainment {mean['attainment']:.2f}, "
            f"speed {mean['speed']:.2f}, slowest 5 % {mean['tail']:.2f}; TTFT {mean['ttft_s']:.2f} s, "
            f"TPOT {mean['tpot_ms']:.0f} ms, preemptions {mean['preemptions']:.2f}{_hits(scored)}{_goal(scored)}"
        )
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Bars per regime: score, and the parts of the utility."""
    regimes = scored_by_regime(results)
    return score_bars(regimes), metric_bars("parts of the utility", regimes, ("attainment", "speed", "tail"))


def _hits(scored: Sequence[InstanceResult]) -> str:
    rate = mean_metric(scored, "hit_rate")
    return f", prefix hits {rate:.2f}" if rate else ""


def _goal(scored: Sequence[InstanceResult]) -> str:
    """How much of a goal beside latency was had, where there is one."""
    told = [f"{name.replace('_', ' ')} {mean_metric(scored, name):.3g}" for name in _GOALS if name in scored[0].metrics]
    return f", goal {mean_metric(scored, 'goal'):.2f} ({told[0]})" if told else ""
