"""The machine, the model and the service of one scenario, and what a program is told of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from evaluators.candidate import Argument
from evaluators.placement.cost import ExpertCurve, Network

SENT_BYTES = 1 + 4 / 128  # per value: fp8, and a float32 scale per 128 of them
BF16_BYTES = 2


class Residency(StrEnum):
    """Where a token is between two layers."""

    HOME = "home"  # on the GPU that holds its sequence: copies go out, results come back
    FOLLOW = "follow"  # on the GPU of its first expert in the layer before (ExFlow's coherent contexts)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Everything about a scenario but its tokens."""

    layers: int
    experts: int
    top_k: int
    slots: int  # per layer, over all GPUs
    tokens: int  # per iteration, over all GPUs
    hidden: int
    curve: ExpertCurve
    network: Network  # its `token_bytes` and `latency_us` are those of one copy there and back
    residency: Residency
    fixed_us: float
    overlapped: bool  # two batches in flight hide the all-to-all

    @property
    def slots_per_gpu(self) -> int:
        """Slots of one layer on one GPU."""
        return self.slots // self.network.gpus

    @property
    def spare(self) -> int:
        """Slots of a layer beyond one for every expert."""
        return self.slots - self.experts

    def one_way(self) -> Network:
        """The network of a single direction where tokens move: hidden states in bf16, half the latency."""
        return replace(
            self.network,
            token_bytes=float(BF16_BYTES * self.hidden),
            latency_us=self.network.latency_us / 2,
        )

    def config(self, seed: int) -> dict[str, Argument]:
        """What a program receives; `terms.py` explains each key."""
        network = self.network
        one_way = self.one_way().token_bytes
        moves = self.residency is Residency.FOLLOW
        return {
            "layers": self.layers,
            "experts": self.experts,
            "top_k": self.top_k,
            "gpus": network.gpus,
            "nodes": network.nodes,
            "slots": self.slots,
            "slots_per_gpu": self.slots_per_gpu,
            "tokens": self.tokens,
            "cost_us": self.curve.table_us,
            "cost_slope_us": self.curve.slope_us,
            "fixed_us": self.fixed_us,
            "dispatch_bytes": one_way if moves else self.hidden * SENT_BYTES,
            "combine_bytes": one_way,
            "bandwidths": {"intra_node": network.intra_bytes_per_s, "inter_node": network.inter_bytes_per_s},
            "latency_us": network.latency_us,
            "all_to_all": "hierarchical" if network.hierarchical else "flat",
            "residency": str(self.residency),
            "overlap": "two_batch" if self.overlapped else "serial",
            "seed": seed,
        }
