"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
`place(trace: int16[T, layers, top_k], source: int16[T], config: dict) -> int32[layers, slots]` is called once per
scenario and says which expert sits in each slot of each layer.
- trace: the experts that T traced tokens chose, layer after layer, heaviest choice first; source: the GPU that holds
  each token's sequence. Arrays are read-only. The placement is scored on other tokens of the same model.
- Returned: the expert in each slot; slot p is on GPU p // slots_per_gpu, GPU g in node g // (gpus // nodes). Every
  expert in at least one slot of its layer, no expert twice on one GPU.

`config` holds layers, experts, top_k, gpus, nodes, slots (per layer, over all GPUs; more than experts where some may
have copies), slots_per_gpu, and what an iteration costs:
- tokens: per iteration, over all GPUs, each GPU's sequences giving as many; a traced token stands for several.
- cost_us: float64[n + 1], microseconds a GPU spends on one slot with 0..n tokens, cost_slope_us per token beyond. A
  GPU's compute in a layer is fixed_us plus the sum over its slots; the slowest GPU counts.
- residency: where a token is before a layer, and where its results go after it. "home": its source GPU, always.
  "follow": before layer 0 its source, before layer l the GPU of its first choice of layer l - 1; results go to the GPU
  of its first choice of layer l (with top_k 1 there is nothing to send).
- A choice with several copies is computed on the token's own GPU if it has one, else on one of its node, else anywhere:
  evenly among those.
- all_to_all: "flat": one copy to each other GPU that the token needs; its time is the longer of near copies (of the
  busiest GPU, in or out) at bandwidths["intra_node"] and far ones at bandwidths["inter_node"], bytes/s.
  "hierarchical": one copy to each other node that it needs, to the GPU of the seat's rank there
  (g % (gpus // nodes)); then one from that GPU, and from the seat on its own node, to each GPU that it
  needs; the times of far and near copies add up.
- dispatch_bytes per copy out, combine_bytes per copy back (results come back the same way, added up on it);
  latency_us for both.
- overlap: "serial" (compute + all-to-all) or "two_batch" (the larger of the two) in each layer; seed.

The time of an iteration is the sum over its layers. No time is charged for `place` itself, but it has a limit: about a
second of CPU in the tier quick, three in full.
"""
PLACE = EntryPoint(
    name="place",
    signature="def place(trace, source, config) -> int32[layers, slots]",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (T_contiguous - T) / (T_contiguous - T_bound): 0 experts in order, 1 a proven bound, floor -1",
    ),
    MetricSpec("time_us", "us/iteration", _DOWN, "all MoE layers (T)"),
    MetricSpec("time_over_bound", "1", _DOWN, "T / T_bound"),
    MetricSpec("time_over_contiguous", "1", _DOWN, "T / T_contiguous"),
    MetricSpec("balanced_us", "us/iteration", _DOWN, "expert compute, had all GPUs the mean time"),
    MetricSpec("imbalance_us", "us/iteration", _DOWN, "what the busiest GPU computes beyond that"),
    MetricSpec("exchange_us", "us/iteration", _DOWN, "all-to-all that compute does not hide"),
    MetricSpec("gpu_balance", "1", _UP, "mean over busiest GPU's compute, summed over layers"),
    MetricSpec("away", "1", _DOWN, "copies that travel within a node or beyond, per choice of a token and direction"),
    MetricSpec("abroad", "1", _DOWN, "copies that travel between nodes, per choice of a token and direction"),
)
