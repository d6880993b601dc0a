"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
G GPUs are shared by parts of language models. Weights lie in memory all the time; what they leave free on a GPU is the
KV cache of all its parts. A part's demand is rate / slo. The room of a GPU is its free memory over the demand on it;
the least room of any GPU counts, and shall be large. (One over it is the largest KV pressure, Prism's KVPR.) So with
room q each part claims size + q * demand GB, and all claims must fit: bins of several sizes, items that grow with q.

`place(parts: dict, memory_gb: float64[G], budget_gb: float, seed: int) -> int64[N]` is called once per cluster, in a
fresh process; N is up to a few hundred, G from 5 to 64 or what the user set. Arrays of `parts`, all of length N:
- size_gb: float64, GB of weights; rate: float64, requests/s; slo: float64, seconds; all above 0;
- model: int64; parts of one model (its shards or replicas) have the same number and must be on different GPUs;
- home: int64, the GPU that holds the part now, or -1 if it runs nowhere yet.
Returns the GPU of each part, 0 .. G - 1. An answer is invalid if weights on a GPU exceed its memory, if two parts of a
model share a GPU, or if parts that have a home and leave it sum to more than budget_gb (0 where no part has a home).
Keeping all homes and putting the other parts, largest first (of equals the first), on the first GPU with memory for
them is valid in all drawn clusters; that is the score 0. The score is linear in the room, and 1 at a proven bound.

Time is not charged; the limit of CPU holds for the call and the import together. Random choices must come from `seed`,
and nothing should depend on the clock, so that scores repeat.
"""
PLACE = EntryPoint(
    name="place",
    signature="place(parts: dict, memory_gb: float64[G], budget_gb: float, seed: int) -> int64[N]",
    description=_DESCRIPTION,
)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec(
        "score", "1", _UP, "(room - room_first_fit) / (room_bound - room_first_fit): 0 first fit, 1 a proven bound"
    ),
    MetricSpec(
        "room_gb", "GB", _UP, "free memory over demand (GB per request/s and second of slo) on the tightest GPU"
    ),
    MetricSpec(
        "max_kvpr", "1/GB", _DOWN, "1 / room_gb, at most 1e6; 1 / its mean + 1 is the score of ADRS, if all is valid"
    ),
    MetricSpec("bound_kvpr", "1/GB", _DOWN, "least max_kvpr that the bound allows; no program's doing"),
    MetricSpec("room_over_bound", "1", _UP, "room_gb over its proven upper bound"),
    MetricSpec("tight_gpus", "%", _UP, "GPUs whose room is within 10 % of the least"),
    MetricSpec("free_sd", "%", _DOWN, "standard deviation over GPUs of the share of memory that is free"),
    MetricSpec("moved", "%", _DOWN, "GB that left their home, of all GB that have one; only where some have"),
)
