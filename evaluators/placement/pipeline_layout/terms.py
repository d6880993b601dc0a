"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A language model of L equal layers is trained on D devices that differ in speed, memory and links: K replicas, each a
pipeline of P stages of consecutive layers, all replicas cut alike. P and K are free, P * K <= D; devices may stay idle.

`layout(devices, latency_s, gb_per_s, job, seed)` is called once per network, in a fresh process; D is 12 to 40 (6 in
the tier smoke), L 24 to 40, M 64 to 512, or what the user set. Devices come in no order.
- devices: dict of float64 (D,): tflops, sustained 10^12 operations/s; memory_gb.
- latency_s, gb_per_s: float64 (D, D), from the row's device to the column's; 0 and inf from a device to itself.
- job: dict: layers (L), micro_batches (M, over all replicas); layer_tflop, 10^12 operations of a layer on one
  micro-batch, forward and backward; boundary_gb, sent from a stage to the next per micro-batch, and as much back;
  layer_gb, gradients of a layer; state_gb, memory of a layer; stash_gb, memory of a layer per micro-batch kept.

Returns a dict of int64 (D,) arrays:
- stage, replica: of each device, from 0; -1 for both where it stays idle. Each stage of each replica has one device.
- layers: of stage s at place s, 1 or more, summing to L; 0 from place P on.
- micro_batches: of replica r at place r, 1 or more, summing to M; 0 from place K on.

A device at stage s of replica r with n layers and m micro-batches needs n * (state_gb + stash_gb * min(P - s, m)) GB;
more than its memory_gb is an invalid answer, as everything else that does not fit together.

Time of a step, seconds:
- compute of a stage per micro-batch: c = n * layer_tflop / tflops.
- hop between neighbours a, b of a pipeline: latency_s[a, b] + latency_s[b, a] + boundary_gb / gb_per_s[a, b] +
  boundary_gb / gb_per_s[b, a]. Beat of a replica: the largest of its c and of its boundary_gb / min(gb_per_s[a, b],
  gb_per_s[b, a]). Its pipeline takes sum(c) + sum(hops) + (m - 1) * beat.
- exchange of a stage of n layers: the largest, over its devices a, of the sum over the others b of its K devices of
  latency_s[a, b] + latency_s[b, a] + n * layer_gb / K * (1 / gb_per_s[a, b] + 1 / gb_per_s[b, a]); 0 if K = 1.
- step = longest pipeline + longest exchange. The score is linear in steps per second: 0 for devices in their order,
  cut evenly, 1 at a proven bound, which is mostly out of reach.

So a layout can be timed in a few lines. Time is not charged; the limit of CPU holds for the call and the import
together. Random choices must come from `seed`; count moves, not seconds, so that scores repeat.
"""
LAYOUT = EntryPoint(
    name="layout",
    signature="layout(devices: dict, latency_s: float64[D, D], gb_per_s: float64[D, D], job: dict, seed: int) -> dict",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score", "1", _UP, "mean of (T_order / T - 1) / (T_order / bound - 1): 0 devices in order, 1 a proven bound"
    ),
    MetricSpec("step_s", "s", _DOWN, "one training step (T)"),
    MetricSpec("step_over_bound", "1", _DOWN, "T / bound; 1 is mostly out of reach"),
    MetricSpec("step_over_in_order", "1", _DOWN, "T / T_order"),
    MetricSpec("stages", "1", _DOWN, "stages of a pipeline (P)"),
    MetricSpec("replicas", "1", _UP, "replicas (K)"),
    MetricSpec("idle", "%", _DOWN, "devices that are not used"),
    MetricSpec("busy", "%", _UP, "of the time and speed of the devices used, what computes"),
    MetricSpec("exchange", "%", _DOWN, "of the step, the exchange of gradients"),
    MetricSpec("hops", "%", _DOWN, "of the step, the first micro-batch on the links of the slowest pipeline"),
    MetricSpec("link_bound", "%", _DOWN, "replicas of which the slowest part is a link"),
)
