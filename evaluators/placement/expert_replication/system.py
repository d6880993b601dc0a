"""The machine, the model and the service of one scenario, and what a program is told of them."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.candidate import Argument
from evaluators.placement.cost import ExpertCurve, Network

HISTORY = 16  # most windows handed to a program
DEFAULT_DISPATCH = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Everything about a scenario that does not change while it is played."""

    layers: int
    experts: int
    top_k: int
    slots: int  # per layer, over all GPUs
    tokens: int  # per iteration, over all GPUs
    expert_bytes: float
    curve: ExpertCurve
    network: Network
    fixed_us: float
    attention_us: float  # per layer, before the experts run: gathering fresh copies hides behind it
    shard_efficiency: float  # of the tiles, where experts are cut into one slice per GPU
    lp_us: float  # per layer and iteration that the exact split adds to the all-to-all
    overlapped: bool  # two batches in flight hide the all-to-all
    asynchronous: bool  # moved weights do not stop serving
    iterations_per_window: int
    seconds_per_window: float

    @property
    def slots_per_gpu(self) -> int:
        """Slots of one layer on one GPU."""
        return self.slots // self.network.gpus

    def config(self, windows: int, seed: int) -> dict[str, Argument]:
        """What the constructor of a program receives; README.md explains each key."""
        network = self.network
        return {
            "layers": self.layers,
            "experts": self.experts,
            "top_k": self.top_k,
            "gpus": network.gpus,
            "nodes": network.nodes,
            "slots": self.slots,
            "slots_per_gpu": self.slots_per_gpu,
            "groups": network.groups,
            "group_limit": network.group_limit,
            "tokens": self.tokens,
            "cost_us": self.curve.table_us,
            "cost_slope_us": self.curve.slope_us,
            "fixed_us": self.fixed_us,
            "attention_us": self.attention_us,
            "expert_bytes": self.expert_bytes,
            "token_bytes": network.token_bytes,
            "bandwidths": {"intra_node": network.intra_bytes_per_s, "inter_node": network.inter_bytes_per_s},
            "latency_us": network.latency_us,
            "all_to_all": "hierarchical" if network.hierarchical else "flat",
            "overlap": "two_batch" if self.overlapped else "serial",
            "migration": "async" if self.asynchronous else "blocking",
            "dispatch": DEFAULT_DISPATCH,
            "lp_us": self.lp_us,
            "shard_efficiency": self.shard_efficiency,
            "iterations_per_window": self.iterations_per_window,
            "seconds_per_window": self.seconds_per_window,
            "windows": windows,
            "history": HISTORY,
            "seed": seed,
        }
