"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
N tasks that need each other's data run on P processors that differ. Each runs once, on one processor, without pause.
The last one is to end early.

`schedule(graph: dict, config: dict) -> {"processor": int64 (N,), "order": int64 (N,)}`: the processor of each task, by
its number, and all tasks in an order in which each comes after those that it needs. A processor runs its tasks in this
order, each as soon as the task before it there has ended and its data have arrived; nothing else is decided.
`graph` holds
- times: float64 (N, P), microseconds of each task on each processor; inf where it cannot run there, which is never
  all of a row. An answer that puts a task there is invalid;
- sources, targets: int64 (E,), data: float64 (E,): task targets[e] needs data[e] bytes from task sources[e].
  sources[e] < targets[e] always: the order 0, 1, 2, ... is valid. Edges are sorted by target;
- latency, gap: float64 (P, P), microseconds per transfer and per byte from processor p to q; 0 on the diagonal, and
  perhaps elsewhere.
`config` holds tasks (N), edges (E), processors (P) and seed.

Data of an edge arrive latency[p, q] + gap[p, q] * data[e] after the source has ended on p, and wait at q. Transfers do
not disturb one another or the processors.

Tasks in the order of their numbers, each where it ends first behind the last task there, score 0; HEFT is a usual
start. A graph has two seconds of CPU. Unless set up otherwise it has some 35 to 290 tasks and up to 700 edges (in the
tier smoke a handful) on 3 to 16 processors. Count steps, not seconds: scores must repeat.
"""
SCHEDULE = EntryPoint(
    name="schedule",
    signature="schedule(graph: dict, config: dict) -> {'processor': int64 (N,), 'order': int64 (N,)}",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (C_in_order - C) / (C_in_order - bound): 0 with tasks in their order, each where it ends first; 1 at "
        "the proven bound of the graph",
    ),
    MetricSpec("makespan_ms", "ms", _DOWN, "when the last task ends (C)"),
    MetricSpec("makespan_over_bound", "1", _DOWN, "C / bound; 1 may be out of reach"),
    MetricSpec("makespan_over_heft", "1", _DOWN, "C / C_heft"),
    MetricSpec("makespan_over_weak", "1", _DOWN, "C / C_in_order"),
    MetricSpec("speedup", "1", _UP, "time of all tasks on the one processor that is best for that, over C"),
    MetricSpec("busy", "%", _UP, "share of the makespan that processors run tasks, on average"),
    MetricSpec("used", "%", _UP, "share of the processors that run anything"),
    MetricSpec("crossing", "%", _DOWN, "share of the edges that lead to another processor"),
    MetricSpec("extra", "%", _DOWN, "time that tasks take more than each on its fastest processor"),
)
