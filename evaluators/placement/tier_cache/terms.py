"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A mixture of experts decodes, one layer after the other. `capacity` of its layers x experts expert weights fit on the
GPU; the rest is in host memory, and one link brings one expert at a time, `load_us` each. Object layer * experts +
expert.

`Policy(config)` is made once per trace. `config` holds layers, experts (of each layer), top_k, tokens (decoded side by
side), capacity, load_us, dense_us (dense part of a layer), expert_us (of each expert that has tokens), hint_accuracy,
lookahead, most_ahead (A), seed, and history: int32 (R, layers, experts), tokens per expert in R earlier sequences. At
first the GPU holds the `capacity` objects that the history used most (lowest id first among equals).

`decide(event)` is called when a layer's router has chosen. `event` is a dict:
- step, layer: counting from 0; fresh: whether a sequence, and so another text, begins in this step;
- tokens: int32 (experts,), how many tokens each expert of this layer gets; those above 0 are needed now;
- probabilities: float32 (experts,), of this layer's router, mean over the tokens;
- hint: float32 (experts,), the same of the next layer as predicted; a share of about `hint_accuracy` of a token's
  experts there is among the predicted top_k. All zeros without hints, and in the last layer;
- future: int16 (lookahead, experts), the tokens of the next `lookahead` events (layer + 1, ..., then layer 0 of the
  next step); zeros beyond the end of the trace;
- resident: bool (layers, experts), on the GPU now; in_flight: the object on the link, which holds a slot already, or
  -1.

Returns a dict:
- keep: float32 (layers, experts), finite; the least kept object is evicted first (lowest id among equals);
- ahead: int64 (A,), objects to load ahead, in this order, each once, filled up with -1. May be left out: none.

What is needed and not resident is loaded first, each evicting the least kept object; a transfer that has begun is
finished. When all is there the experts compute, then the dense part of the next layer, then `decide` is called again.
While the link would be idle it takes the objects of `ahead`, skipping those that are resident; each evicts the least
kept object, and is skipped if there is none that is kept less than itself. What is needed now, or arrived since the
call, is not evicted before the next call, which replaces both answers. Time is what counts: waiting plus computing, of
the whole trace.

Unless set up otherwise a trace has up to 400 events (calls of `decide`, a layer of a step each) in the tier quick and
640 in full, 6 to 32 layers, 8 to 128 experts, top 2 to 8, 1 to 8 tokens side by side and room for a tenth to six tenths
of all experts (all less in the tier smoke); A is 16. A load takes from a tenth to seven times as long as a layer
computes.
"""
POLICY = EntryPoint(
    name="Policy",
    signature="class Policy: __init__(self, config: dict); decide(self, event: dict) -> dict with keep and ahead",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score",
        "1",
        _UP,
        "mean of (T_lru - T) / (T_lru - bound): 0 least recently used on demand, 1 at the proven bound of the trace",
    ),
    MetricSpec("time_ms", "ms", _DOWN, "waiting and computing of a trace (T)"),
    MetricSpec("time_over_bound", "1", _DOWN, "T / bound"),
    MetricSpec("time_over_lru", "1", _DOWN, "T / T_lru"),
    MetricSpec("time_over_known", "1", _DOWN, "T over that of Belady's choice with the trace known"),
    MetricSpec("known_score", "1", _UP, "score of Belady's choice with the trace known; no program's doing"),
    MetricSpec("stall", "1", _DOWN, "share of the time in which a layer waits for experts"),
    MetricSpec("hit_rate", "1", _UP, "share of the needed experts that were there when the router had chosen"),
    MetricSpec("loads", "1", _DOWN, "experts loaded per event"),
    MetricSpec("ahead", "1", _UP, "share of them loaded ahead"),
    MetricSpec("wasted", "1", _DOWN, "share of those loaded ahead that were evicted, or left at the end, unused"),
    MetricSpec("link_busy", "1", _UP, "share of the time in which the link is taken"),
)
