"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A job needs `work` ticks of computing before tick `deadline`. In each tick it idles (free), runs on a spot machine
(cheap, only where there is one, taken away without warning) or on demand (dear, always there), in one of `regions`
regions. Every start of a machine - the first, after idling, after spot was taken away, of the other kind, in another
region - takes `overhead` ticks that are paid and make no progress; progress made is kept.

`Policy(config)` is made once per job. `config` holds work, deadline, overhead (ticks), regions, tick_s (seconds of a
tick), spot_usd and on_demand_usd (lists: price of a tick in each region), move_usd (price of starting in another region
than the one that holds the checkpoint; region 0 at first), seed.

`step(tick: int, done: int, mode: int, region: int, pending: int, available: list[bool]) -> (mode, region)` is called
at the start of each tick until the job is done:
- tick: 0 .. deadline - 1; done: ticks of work finished;
- mode: what ran in the tick before: 0 idle, 1 spot, 2 on demand; 0 if that was spot and it has just been taken away;
- region: where the checkpoint is, and what runs; pending: ticks without progress that what runs still has to go;
- available: for each region, whether spot is there in this tick. Nothing is known of later ticks.
Returns the mode and the region for this tick: two ints. Saying again what runs goes on with it; with mode 0 the region
counts for nothing. Spot where there is none, or an unknown mode or region, is an invalid answer.

A guard keeps the deadline: whatever would leave less than the work left plus `overhead` (plus one tick, if a fresh
on-demand machine would have to start in the next tick) is replaced by on demand in `region`. Once nothing but on demand
can make the deadline, `step` is no longer called. So a job is never late, and only its cost counts.
"""
POLICY = EntryPoint(
    name="Policy",
    signature=(
        "class Policy: __init__(self, config: dict); step(self, tick, done, mode, region, pending, available) -> "
        "(mode, region)"
    ),
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score", "1", _UP, "mean of (C_on_demand - C) / (C_on_demand - C_optimum): 0 on demand only, 1 clairvoyant"
    ),
    MetricSpec("cost_usd", "USD", _DOWN, "cost of the job (C)"),
    MetricSpec("optimum_usd", "USD", _DOWN, "least cost with all availability known (C_optimum); no program's doing"),
    MetricSpec("optimum_over_cost", "1", _UP, "C_optimum / C"),
    MetricSpec("cost_over_optimum", "1", _DOWN, "C / C_optimum"),
    MetricSpec("saving", "1", _UP, "1 - C / C_on_demand"),
    MetricSpec("spot_share", "1", _UP, "share of the job's ticks on spot"),
    MetricSpec("on_demand_share", "1", _DOWN, "share of them on demand"),
    MetricSpec("idle_share", "1", _DOWN, "share of them idle"),
    MetricSpec("starts", "1", _DOWN, "machines started per job"),
    MetricSpec("moves", "1", _DOWN, "starts in another region"),
    MetricSpec("forced_share", "1", _DOWN, "share of the ticks in which the guard decided"),
    MetricSpec("spare_h", "h", _UP, "left to the deadline when the job was done"),
)
