"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A training step works on N sequences of very different lengths. Each goes into one micro-batch, and there to one rank,
or cut into s equal shards to s ranks, which pass keys and values around in a ring. The step is to be short.

`split(lengths: int64 array (N,), config: dict) -> {"micro_batch": int64 (N,), "ranks": bool (N, G)}`: for each
sequence its micro-batch, 0 to micro_batches - 1 (some may stay empty), and the set of its ranks; s is their number.
`config` holds
- ranks (G), ranks_per_node (R; rank g is on node g // R), micro_batches, cap, seed;
- linear_us (a), quadratic_us (b), intra_us, inter_us, hop_us, overhead_us: microseconds;
- overlap and sync_every_micro_batch: bool.

A sequence of l tokens on s ranks keeps each of them busy for
    a * l / s + attention + ring  without overlap,  a * l / s + max(attention, ring)  with it, where
    attention = b * l * l / s,  ring = (s - 1) * (hop_us + link * l / s),
    link = intra_us if all its ranks are on one node, else inter_us.
Every rank works through the micro-batches in order. In each it does its cut sequences first: the one with most ranks
first, of these the longest, of these the first row. All ranks of a sequence begin it together, so those that are ready
wait. Then come its whole sequences. With sync_every_micro_batch all ranks wait for the last one after every
micro-batch, so the step is the sum over micro-batches of the last rank's time; without, it ends when the last rank has
done all. overhead_us is added for every micro-batch that is not empty.

On each rank and in each micro-batch the shards' tokens, ceil(l / s) each, may be at most cap in all; more is an
invalid answer, and so is a sequence without ranks. First fit always succeeds: rows in order, each cut into ceil(l /
cap) shards, into the first micro-batch in which so many ranks have room, on the lowest of those ranks. It scores 0.

A batch has two seconds of CPU, for 64 to 512 sequences on 6 to 64 ranks. Count moves, not seconds: scores must repeat.
"""
SPLIT = EntryPoint(
    name="split",
    signature="split(lengths: int64 array (N,), config: dict) -> {'micro_batch': int64 (N,), 'ranks': bool (N, G)}",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (T_first_fit - T) / (T_first_fit - bound): 0 with first fit, 1 at the proven bound of the batch",
    ),
    MetricSpec("step_ms", "ms", _DOWN, "time of the step (T)"),
    MetricSpec("step_over_bound", "1", _DOWN, "T / bound; 1 may be out of reach"),
    MetricSpec("step_over_first_fit", "1", _DOWN, "T / T_first_fit"),
    MetricSpec("busy", "%", _UP, "share of the step, overheads left out, that ranks work or exchange, on average"),
    MetricSpec("added", "%", _DOWN, "work that rings add to that of the whole sequences"),
    MetricSpec("cut", "%", _DOWN, "share of the sequences that are cut"),
    MetricSpec("width", "1", _DOWN, "ranks of a cut sequence, on average; 1 if none is cut"),
    MetricSpec("crossing", "%", _DOWN, "share of the sequences whose ranks are on several nodes"),
    MetricSpec("micro_batches", "1", _DOWN, "micro-batches that are not empty"),
    MetricSpec("fullest", "%", _DOWN, "most tokens of a rank in a micro-batch, of the cap"),
)
