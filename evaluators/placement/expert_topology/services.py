"""The services that scenarios serve; all splits share them."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.placement.expert_topology.system import Residency


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the GPUs serve, and how tokens travel."""

    name: str
    tokens_per_gpu: int
    tile: int  # tokens per tile of the grouped GEMM
    residency: Residency
    all_to_all: str
    overlap: str
    fixed_us: float  # launches; with two batches also the attention that hides the all-to-all


SERVICES = (
    Service(
        name="coherent",
        tokens_per_gpu=512,
        tile=128,
        residency=Residency.FOLLOW,
        all_to_all="flat",
        overlap="serial",
        fixed_us=5.0,
    ),
    Service(
        name="prefill",
        tokens_per_gpu=2048,
        tile=128,
        residency=Residency.HOME,
        all_to_all="hierarchical",
        overlap="serial",
        fixed_us=5.0,
    ),
    Service(
        name="relayed",
        tokens_per_gpu=2048,
        tile=128,
        residency=Residency.FOLLOW,
        all_to_all="hierarchical",
        overlap="two_batch",
        fixed_us=40.0,
    ),
    Service(
        name="decode",
        tokens_per_gpu=256,
        tile=64,
        residency=Residency.HOME,
        all_to_all="flat",
        overlap="serial",
        fixed_us=5.0,
    ),
)
