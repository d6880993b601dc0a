"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A shop has J jobs and M machines. Every job visits every machine once, in an order of its own; a machine works on one
job at a time and is never interrupted. The last job shall end early: the score is 0 at first in first out, 1 at a
proven lower bound of the makespan, at least -1.

`Policy(config)` is made once per shop. `config` holds
- jobs, machines; routes: int64[J, M], machine of a job's k-th operation; durations: int64[J, M], time units it takes;
- variant: "classic"; "blocking" (no buffers: a job stays on its machine until the next one takes it; a circle of jobs
  that wait for each other moves at once); "stochastic" (durations are means, the true ones lognormal around them);
- sigma: of the logarithm of true over mean duration, 0 unless stochastic;
- builder: "open" (choose freely), "non_delay" or "giffler_thompson" (the delay is fixed to 0 or 1); seed.

`priority(ops, state)` is called when a machine shall be given its next job and two or more are in question. Each array
of `ops` has one entry per job in question; all times are float64, and expected ones where durations are noisy:
- job: int64, row in routes; duration: of its operation on this machine; start: when it could begin here; arrival: when
  it is done on the machine before (0 at first; in the future if it is still there);
- ops_left (int64), work_left: operations and time of the job from here on, this one included; work_done: before it;
- next_duration, next_machine (int64): of the job's operation after this one; 0 and -1 if it is the last;
- next_queue: work of the jobs that go to that machine next; next_load: all its work not begun; next_free: when it has
  done what it has begun; 0 if there is none;
- from_machine: int64, where the job is or was last; -1 before its first operation.
`state` holds machine, earliest (smallest start), cutoff (earliest end of any job in question: all of them start before
it), machine_load (all work of this machine not begun), machines_held (with a job on them; 0 in "classic"),
ops_started (operations begun in the shop).
Returns a dict:
- "priority": float64[n], the lowest is taken, of equals the lowest job; finite;
- "delay" (optional float from 0 to 1): only jobs that start by earliest + delay * (cutoff - earliest) may be taken. 0,
  which is meant if it is left out, never lets the machine wait for a job (non-delay); 1 allows every job in question
  (as Giffler and Thompson do).
In the variants blocking and stochastic the future is not laid out: in question are the jobs that wait for the machine
and those under way elsewhere that are expected before the cutoff; a machine that prefers one of these waits, and asks
again at the next event. In "blocking" it is asked for a single job too, and one more key may be returned:
- "wait" (optional bool): leave the machine empty until the next event, to keep the shop from filling up.
"""
POLICY = EntryPoint(
    name="Policy",
    signature="class Policy: __init__(self, config: dict); priority(self, ops: dict, state: dict) -> dict",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec("score", "1", _UP, "(C_fifo - C) / max(C_fifo - C_bound, C_bound / 20): 0 fifo, 1 a proven bound"),
    MetricSpec("makespan", "time", _DOWN, "when the last operation ends (C)"),
    MetricSpec("gap_to_bound", "%", _DOWN, "C above the proven bound"),
    MetricSpec("gap_to_fifo", "%", _DOWN, "C above first in first out without delay"),
    MetricSpec("utilisation", "%", _UP, "time that the machines work, of all time up to C"),
    MetricSpec("blocked", "%", _DOWN, "time that finished jobs hold their machine, of all time up to C"),
    MetricSpec("delayed", "%", _DOWN, "decisions to wait, or for a job that could not start first"),
    MetricSpec("decisions", "1", _DOWN, "calls of the program per shop"),
    MetricSpec("gap_to_best", "%", _DOWN, "C above the best known makespan; only for published shops that name one"),
    MetricSpec("gap_to_reference", "%", _DOWN, "C above CP-SAT's schedule with all durations known; with reference_s"),
    MetricSpec("reference_score", "1", _UP, "score of that schedule; a line to compare with, with reference_s"),
)
