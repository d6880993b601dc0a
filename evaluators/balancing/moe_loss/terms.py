"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A byte language model with mixture-of-experts layers is trained with your loss added to its cross-entropy. Each layer's
router gives logits over E experts, the top k are chosen by selection scores, and their outputs are mixed with
renormalised scores. Write with torch (CPU, float32); there are torch, numpy and the standard library.

`loss(b, g, state) -> Tensor`: scalar float32 for ONE layer and ONE micro-batch of T tokens, coefficient included.
The trainer averages it over the micro-batches and the layers and adds the gradient at the router logits (and at the
router's weight, if you use it). Return `b.logits.sum() * 0` for no loss. All experts must be treated alike.

Optional functions:
- `init_state(cfg) -> dict[str, Tensor]`: float32 tensors, at most 16 * layers * E values in all. Nothing else is
  remembered: the program may be loaded anew at any step. cfg has num_layers, num_experts, top_k, d_model, tokens,
  micro_batches, total_steps, score, expert_group, expert_cost, expert_kind.
- `stats(b, state) -> Tensor [S, E]` (S <= 68, no gradient): averaged over the micro-batches of a step, like an
  all-reduce. Without it: row 0 is the share of tokens of each expert (sums to 1), row 1 the mean of b.probs.
- `select(b, state) -> Tensor [T, E]`: scores whose top k are chosen, else b.probs. Gates always come from b.probs.
  Called before the rest, also in validation (b.training False), where tokens come in no order and each must be scored
  by itself: seq_id says nothing there.
- `update(g, state, step)`: after each step, in place on state; g is [layers, S, E] over the whole batch.

`g` [S, E] in `loss` is the mean of stats over ALL micro-batches of this step, of this layer, without gradient. With
P = b.probs.mean(0), `g[1] + P - P.detach()` is the global mean with the micro-batch's gradient.

`b`: logits [T, E] and probs [T, E] (softmax or sigmoid, b.score says which; sigmoid rows do not sum to 1), topk_idx
[T, k] int64 best first, gates [T, k], counts [E] (tokens of each expert in this micro-batch, sum T * k), sel_scores
[T, E], g_run [S, E] (mean of stats over the micro-batches so far), router_weight [E, d], seq_id [T], expert_cost [E],
expert_group [E] (device), expert_kind [E] (0 feed-forward; in a variant 1 gives zero, 2 copies its input: these take an
even share at no cost, more save nothing), gen (torch.Generator, the only randomness), layer, num_layers, num_experts,
top_k, step, total_steps, training. `select` sees no topk_idx, gates, counts, sel_scores, g_run or router_weight.

Rules: do not change what you are given (only `update` changes state), keep no globals, draw from b.gen only, return
finite values. Gradients above 10 times that of the cross-entropy at a router's logits or weight are scaled down; on
more than 20 % of the steps the program is refused.

iso_nats = validation cross-entropy + nats_per_time * ln(step_time), step_time = 1 - s + s * (tokens of the busiest
device / mean of the devices), in the micro-batches of a step together, mean over layers and the last 80 % of the steps.
Unless set up otherwise nats_per_time is 0.1 and s, the experts' share of a balanced step's time, 0.5: a busiest device
at twice the mean costs 0.04. Each of up to 16 experts has a device of its own. The reference is global-batch load
balancing at coefficient 0.1. Models have 2 layers, 8 to 32 experts, top 2 to 4; a step has 8 micro-batches of T = 128;
a training has 90 steps in the tier quick and 200 in full, there at 1/3, 1 and 3 times your gradient: the best counts.
"""
LOSS = EntryPoint(
    name="loss",
    signature=(
        "loss(b, g, state) -> Tensor[]; optional: init_state(cfg), stats(b, state), select(b, state), "
        "update(g, state, step)"
    ),
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "nats/byte",
        _UP,
        "iso_nats of global-batch load balancing less that of the program, from the same weights on the same batches",
    ),
    MetricSpec("iso_nats", "nats/byte", _DOWN, "validation cross-entropy + nats_per_time * ln(step_time)"),
    MetricSpec("nats", "nats/byte", _DOWN, "validation cross-entropy"),
    MetricSpec("nats_gain", "nats/byte", _UP, "validation cross-entropy of the reference less that of the program"),
    MetricSpec("reference_iso_nats", "nats/byte", _DOWN, "iso_nats of the reference; no program's doing"),
    MetricSpec(
        "step_time", "1", _DOWN, "modelled step time over a balanced step's, mean of the last 80 % of the steps"
    ),
    MetricSpec("max_violation_batch", "1", _DOWN, "busiest expert over the mean, less 1, in the steps' batches"),
    MetricSpec("max_violation_global", "1", _DOWN, "the same over the validation set, mean of the layers"),
    MetricSpec("max_violation_worst_layer", "1", _DOWN, "the same in the worst layer"),
    MetricSpec("max_violation_sequence", "1", _DOWN, "the same in single validation sequences"),
    MetricSpec("variation", "1", _DOWN, "standard deviation over mean of the experts' tokens, in the steps' batches"),
    MetricSpec("gini", "1", _DOWN, "Gini coefficient of the same"),
    MetricSpec("dead_share", "1", _DOWN, "experts with less than a tenth of an even share of the validation set"),
    MetricSpec("dropped_1", "1", _DOWN, "assignments above an even share, which capacity 1 would drop"),
    MetricSpec("dropped_1_25", "1", _DOWN, "the same at capacity 1.25"),
    MetricSpec("dropped_2", "1", _DOWN, "the same at capacity 2"),
    MetricSpec("domain_information", "1", _UP, "mutual information of domain and expert over the domain's entropy"),
    MetricSpec("byte_information", "1", _UP, "the same for the byte routed: high values mean routing by byte alone"),
    MetricSpec("null_share", "1", _UP, "choices of null experts; beyond an even share they save no time"),
    MetricSpec("routing_entropy", "1", _DOWN, "mean entropy of the router's distribution over ln E"),
    MetricSpec(
        "fluctuation", "1", _DOWN, "validation bytes whose first expert changed in the last quarter of the steps"
    ),
    MetricSpec("logit_rms", "1", _DOWN, "root mean square of the router logits"),
    MetricSpec("gradient_ratio", "1", _DOWN, "gradient of the loss over that of the cross-entropy, at the routers"),
    MetricSpec("strength", "1", _UP, "multiplier of the loss that was best; 1 where only one is tried"),
)
