"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
`Policy(config)` is made once per scenario, and anew when a node is lost or comes back (see below). `config` holds
- layers, experts, top_k: the model; gpus, nodes: the machine (GPU g is in node g // (gpus // nodes));
- slots (per layer, over all GPUs), slots_per_gpu: slot p is on GPU p // slots_per_gpu;
- groups, group_limit: routing groups of consecutive experts (e // (experts // groups)), groups one token may use;
- tokens: per iteration, over all GPUs; nominal: some services send fewer, always or in every second window;
- cost_us: float64[T + 1], microseconds a GPU spends on one slot with 0..T tokens, cost_slope_us per token beyond T; a
  GPU's compute time in a layer is fixed_us plus the sum over its slots, and the slowest GPU counts;
- attention_us: attention per layer, behind which fresh copies (below) are gathered;
- expert_bytes: weights of one expert; token_bytes: one token copy there and back;
- bandwidths: {"intra_node", "inter_node"}, bytes/s per GPU, for tokens and for moving experts; latency_us;
- all_to_all: "flat" (a copy per chosen expert) or "hierarchical" (a copy per node, then one per GPU);
- overlap: "serial" (compute + all-to-all) or "two_batch" (the larger of the two);
- migration: "blocking" (serving waits while weights move) or "async" (the plan serves once they arrived, and 10 % of
  the moving time is lost);
- dispatch: the mode used when a plan names none (0); lp_us: what mode 2 adds to each all-to-all; shard_efficiency: see
  "sharded" below;
- iterations_per_window, seconds_per_window, windows (calls of `plan` to come), history (16); seed.

`plan(loads: int64[h, layers, experts], samples: int32[r, layers, experts], placement: int32[layers, slots],
window: int)` is called once per window, with the past only; the plan serves the window to come.
- loads: tokens per expert in each of the last h <= 16 windows, newest last; samples: the same for r single iterations
  of the newest window; placement: the expert in each slot now, -1 in fresh ones; window: counts up by one. Arrays are
  read-only.
Returns a dict:
- "placement": int32[layers, slots]; every expert in at least one slot, no expert twice on one GPU;
- "dispatch" (optional int): how tokens choose among an expert's copies. 0 evenly; 1 by "split"; 2 by the exact min-max
  split of every iteration (takes lp_us); 3 same GPU first, else same node, else any copy;
- "split": float32[layers, slots], needed by mode 1: share of its expert's tokens, >= 0, sum 1 over an expert's copies;
- "keep" (optional): bool[layers], layers to leave as they are (their rows are ignored);
- "sharded" (optional): bool[layers], layers whose experts are cut into one slice per GPU (their rows are ignored). Each
  GPU computes sum over experts of cost_us at n / shard_efficiency tokens, divided by gpus; all tokens visit all GPUs:
  (nodes - 1) / gpus of them per GPU between nodes, then 1 - nodes / gpus within the node. Cutting a layer or making it
  whole moves weights. To be said anew in every plan.
- "fresh" (optional): bool[layers, slots], slots that the engine fills anew before every iteration (their rows are
  ignored): one more copy for the expert with the heaviest copies by the mean of the last five iterations, again and
  again, each to a GPU without it, on a node without it first. Each takes expert_bytes over the link (from the own node
  if one is there), on all GPUs at once, while attention_us runs; a tenth of that time is lost, and all that exceeds
  attention_us. With "two_batch" they share the links with the all-to-all instead. Every expert needs a slot that is not
  fresh, every GPU has one, and dispatch 1 cannot be used. To be said anew in every plan; fresh copies cost no moving
  when the plan changes.
A node (the last one) may be lost for some windows; tokens stay as many. A new Policy is made for the GPUs that are
there, and again when it is back. `loads` reach back all the same, `placement` is what they hold: survivors keep theirs,
experts that were on the lost node alone have been read from the host at 22 GB/s per GPU, while serving waited.
Unchanged slots cost nothing; moving a copy to another GPU costs expert_bytes over the link (from the same node if a
GPU there has the expert), permuting a GPU's own slots does not. CPU time of a call beyond 16 ms is charged as delay,
rounded up to 16 ms times a power of two: the old placement serves until then; a plan later than its window is dropped.
"""
POLICY = EntryPoint(
    name="Policy",
    signature="class Policy: __init__(self, config: dict); plan(self, loads, samples, placement, window) -> dict",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score", "1", _UP, "mean of (T_static - T) / (T_static - T_bound): 0 static, 1 a proven bound, floor -1"
    ),
    MetricSpec("time_us", "us/iteration", _DOWN, "all MoE layers, moving weights and late plans included (T)"),
    MetricSpec("time_over_bound", "1", _DOWN, "T / T_bound"),
    MetricSpec("p95_window_us", "us/iteration", _DOWN, "95th percentile of T over the windows of a scenario"),
    MetricSpec("balanced_us", "us/iteration", _DOWN, "expert compute, had all GPUs the mean time"),
    MetricSpec("imbalance_us", "us/iteration", _DOWN, "what the busiest GPU computes beyond that"),
    MetricSpec(
        "exchange_us", "us/iteration", _DOWN, "all-to-all that compute does not hide, and the exact split's cost"
    ),
    MetricSpec(
        "gathering_us", "us/iteration", _DOWN, "fresh copies: what does not hide behind attention, a tenth of what does"
    ),
    MetricSpec("waiting_us", "us/iteration", _DOWN, "lost while the old plan served because the new one was late"),
    MetricSpec("migration_us", "us/iteration", _DOWN, "lost to moving weights"),
    MetricSpec("gpu_balance", "1", _UP, "sum over layers of the mean GPU load / sum of the largest, next window"),
    MetricSpec("moved_fraction", "1", _DOWN, "copies that change GPU per window / slots"),
    MetricSpec("migration_gb", "GB/window", _DOWN, "weights moved over all GPUs"),
    MetricSpec("planner_s", "s", _DOWN, "planner time charged per call"),
    MetricSpec(
        "oracle_score", "1", _UP, "score of a clairvoyant greedy plan; report tier only, a line to compare with"
    ),
    MetricSpec(
        "even_balance_bound",
        "1",
        _UP,
        "proven bound of gpu_balance for even split of known loads, nothing fresh or cut; report tier only",
    ),
    MetricSpec(
        "node_balance_bound",
        "1",
        _UP,
        "proven bound of gpu_balance for known loads where a routing group's copies stay on one node; report tier only",
    ),
)
