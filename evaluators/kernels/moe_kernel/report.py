"""What the proposer and the reader are told of the results: aggregates per regime."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.contract import InstanceResult, Picture
from evaluators.reporting import failure_lines, mean_metric, metric_bars, scored_by_regime
from evaluators.scoring import mean_score

_STATIC = ("registers", "spill_bytes", "shared_bytes")
_TIMES = ("time_us", "naive_us", "floor_us")
UNTIMED = (
    "No GPU here: the kernels were compiled for sm_90a and compared in Triton's interpreter. No time was measured, so "
    "every correct program scores 0."
)


def feedback(results: Sequence[InstanceResult]) -> str:
    """A line per regime and one per failure."""
    regimes = scored_by_regime(results)
    timed = any(_is_timed(members) for members in regimes.values())
    lines = ["Time of a call, the naive program's, and the roofline's floor, per regime:" if timed else UNTIMED]
    for regime, members in regimes.items():
        static = (
            "{:.0f} registers, {:.0f} bytes spilled by a thread, {:.0f} bytes of shared memory by a block; "
            "relative error {:.2g}"
        ).format(*(mean_metric(members, name) for name in (*_STATIC, "error")))
        times = ""
        if _is_timed(members):
            values = (mean_metric(members, name) for name in _TIMES)
            times = "score {:#.4g}, {:.4g} us, naive {:.4g} us, floor {:.4g} us; ".format(mean_score(members), *values)
        lines.append(f"- {regime}: {times}{static}")
    return "\n".join(lines + failure_lines(results))


def pictures(results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
    """Times beside floors, a row per regime; nothing where no time was measured."""
    regimes = {name: members for name, members in scored_by_regime(results).items() if _is_timed(members)}
    return (metric_bars("us of a call", regimes, _TIMES),) if regimes else ()


def _is_timed(members: Sequence[InstanceResult]) -> bool:
    return all("time_us" in member.metrics for member in members)
