"""The services that scenarios serve; all splits share them."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the GPUs serve, and how often it is re-planned."""

    name: str
    tokens_per_gpu: int
    tile: int  # tokens per tile of the grouped GEMM
    all_to_all: str
    overlap: str
    migration: str
    iterations: int  # per window
    layer_us: float  # one whole layer, attention included: sets the length of a window
    attention_us: float  # of one layer: taken as half of it
    fixed_us: float  # launches; with two batches also the attention that hides the all-to-all


_DECODE = Service(
    name="decode",
    tokens_per_gpu=128,
    tile=64,
    all_to_all="flat",
    overlap="serial",
    migration="blocking",
    iterations=100,
    layer_us=800.0,
    attention_us=400.0,
    fixed_us=5.0,
)
_PREFILL = Service(
    name="prefill",
    tokens_per_gpu=2048,
    tile=128,
    all_to_all="hierarchical",
    overlap="serial",
    migration="blocking",
    iterations=200,
    layer_us=5000.0,
    attention_us=2500.0,
    fixed_us=5.0,
)
SERVICES = (
    replace(_DECODE, name="decode-short"),
    replace(_PREFILL, name="prefill-long"),
    replace(_DECODE, name="decode-long", migration="async", iterations=1000),
    replace(_PREFILL, name="prefill-short", overlap="two_batch", migration="async", iterations=20, fixed_us=2500.0),
)
