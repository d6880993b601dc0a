"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A training step sends M equal micro-batches forward through S stages of a model and back. Every stage is on one of D
devices, a device may have several. Each micro-batch has three passes on each stage: forward (F), gradient of the input
(B) and gradient of the weights (W). You choose in which order every device runs its passes. The step is to be short.

`schedule(pipeline: dict) -> int64 array (3 * S * M,)`: every pass once, as its number
    (kind * S + stage) * M + micro_batch,  kind 0 for F, 1 for B, 2 for W.
Each device runs its own passes in the order in which they stand in the array; how passes of different devices stand to
one another there counts for nothing. `pipeline` holds
- micro_batches (M), stages (S), devices (D), seed;
- device (S,): the device of each stage, 0 to D - 1;
- forward_us, input_us, weight_us (S,): microseconds of F, B and W on each stage (weight_us 0: the backward pass is one,
  all of it in input_us, and W is nothing, though it must be named);
- link_us (S,): from stage s to s + 1 and back, 0 on one device; the last is 0;
- activation_mb, kept_mb (S,), capacity_mb (D,): memory.

A pass starts when the pass before it on its device has ended and its inputs are there; nothing is interrupted:
    F of stage s needs F of stage s - 1, link_us[s - 1] later;
    B of stage s needs F of stage s, and B of stage s + 1, link_us[s] later (the last stage: its F only);
    W of stage s needs B of stage s.
The step ends with the last pass of all. Orders that wait for one another (a deadlock) are an invalid answer.

Memory: a micro-batch takes activation_mb[s] on the device of stage s when its F starts there; when its B ends,
kept_mb[s] of that stay; when its W ends, none. If a device ever holds more than its capacity_mb, the answer is invalid.
Every device can hold at least one micro-batch whole, so doing one micro-batch after the other (F up, B and W down) is
always valid. With several stages on a device, do not fill it with first stages: their micro-batches must come back.

0 is 1F1B: a free device runs the oldest B that is there, its W right behind it, else the oldest F that is there; at
most min(D, as many as every device can hold whole) micro-batches are between their first F and their last B.

A pipeline has two seconds of CPU. Unless set up otherwise it has some 45 to 4700 passes (in the tier smoke from 24) on
4 to 16 devices, with 1 to 4 stages on each. Count moves, not seconds: scores must repeat.
"""
SCHEDULE = EntryPoint(
    name="schedule",
    signature="schedule(pipeline: dict) -> int64 array (3 * S * M,)",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (T_1F1B - T) / (T_1F1B - bound): 0 with 1F1B, 1 at the proven bound of the pipeline",
    ),
    MetricSpec("step_ms", "ms", _DOWN, "time of the step (T)"),
    MetricSpec("step_over_bound", "1", _DOWN, "T / bound; 1 may be out of reach"),
    MetricSpec("step_over_1f1b", "1", _DOWN, "T / T_1F1B"),
    MetricSpec("bubble", "%", _DOWN, "share of the step that devices are idle, on average"),
    MetricSpec("bubble_longest", "%", _DOWN, "share of the step that the device with most work is idle"),
    MetricSpec("peak", "%", _DOWN, "most activations of a device, of its capacity, on the fullest device"),
    MetricSpec("peak_mean", "%", _DOWN, "the same, on average over devices"),
    MetricSpec("under_way", "1", _DOWN, "most micro-batches between their first F and their last B, over D"),
    MetricSpec("postponed", "%", _UP, "share of the weight gradients that do not follow right behind their B"),
)
