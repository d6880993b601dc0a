"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
Jobs arrive at M machines that differ. A job needs cores and memory while it runs, and an unknown amount of work; on a
machine it does that machine's speed of work per tick, whatever else runs there, as long as cores and memory suffice.
Speeds are unknown too, and a machine may be slower for a while. The cost is the sum over jobs of weight x ticks from
arrival to end, plus the price of every tick that a machine is on (or boots), until the last job is done. All are on
at first.

`Policy(config)` is made once. `config` holds capacity (M, 2): cores and GB; posted (M,): the speed of each as told,
which is wrong by a factor; price (M,): cost of a tick while on; groups (how many groups of jobs there are), boot,
move (ticks), seed.

`step(seen: dict) -> {"place": int64 (J,), "on": bool (M,)}` is called every tick, until all jobs are done. `seen`
holds
- tick; job (J,): numbers of the jobs in the system, in order of arrival; group (J,) (sizes within a group are alike),
  weight (J,), demand (J, 2): cores and GB; age (J,): ticks since arrival;
- machine (J,): where each ran in the tick before, -1 if nowhere; ran (J,): ticks that it ran so far (a `move` left
  out);
- boot (M,): -1 off, 0 ready, else ticks until ready;
- ended, ended_group, ended_ran, ended_machine (F,): of the jobs that ended in the tick before: number, group, ticks
  that they ran, and where they ended. Work done is never told: it is speed x ticks.
Returns for each job the machine it runs on in this tick (-1: it waits), and for each machine whether it is on. A job
that is started again, or goes elsewhere, makes no progress for `move` ticks; what it has done is kept. A machine that
is switched on takes `boot` ticks. More cores or memory on a machine than it has, a machine that is not ready, or jobs
that are never done are an invalid answer.

Unless set up otherwise there are 4 to 16 machines, and jobs that come within 160 ticks in the tier quick and 240 in
full, some 50 to 2500 of them (in the tier smoke 12 to 90). All calls together share the limit of CPU. Random choices
must come from `seed`, and nothing should depend on the clock, so that scores repeat.
"""
POLICY = EntryPoint(
    name="Policy",
    signature='class Policy: __init__(self, config: dict); step(self, seen: dict) -> {"place": (J,), "on": (M,)}',
    description=_DESCRIPTION,
)

_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec("score", "1", _UP, "mean of (C_weak - C) / (C_weak - bound): 0 round robin, all on; 1 a proven bound"),
    MetricSpec("cost_over_bound", "1", _DOWN, "cost C over the bound"),
    MetricSpec("cost_over_weak", "1", _DOWN, "cost C over that of round robin"),
    MetricSpec("flow_share", "1", _DOWN, "share of the cost that is weighted flow time; the rest is machines"),
    MetricSpec("flow", "tick", _DOWN, "mean ticks from arrival to end, weighted"),
    MetricSpec("flow_p99", "tick", _DOWN, "99th percentile of ticks from arrival to end"),
    MetricSpec("machines_on", "1", _DOWN, "mean share of the machines that are on or boot"),
    MetricSpec("moves", "1", _DOWN, "starts again or elsewhere, per job"),
    MetricSpec("starts", "1", _DOWN, "machines switched on"),
)
