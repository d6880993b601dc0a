"""Time of one MoE layer under expert parallelism: expert compute, all-to-all, moved weights. Pure and vectorised.

Shapes: I iterations, L layers, E experts, G GPUs, N nodes, P slots over all GPUs (slot p is on GPU p // (P // G)),
R routing groups, Q knots of a measured curve. Token counts may be fractions: a share of an integer count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64] | npt.NDArray[np.int32] | npt.NDArray[np.intp]

TABLE_TOKENS = 4096  # last entry of a curve's table; beyond it the curve is a straight line
ROUNDING_TOKENS = 1e-6  # a share of a count may exceed an integer by float error: that starts no new tile
ALMOST_ONE = 1 - 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Rates that a GPU sustains."""

    flops_per_s: float  # fp8 matrix rate of a grouped GEMM
    memory_bytes_per_s: float
    intra_bytes_per_s: float  # to a GPU of the same node
    inter_bytes_per_s: float  # to a GPU of another node


# H800: 1.2e15 and 2.8e12 are what DeepSeek-V3's grouped GEMMs sustain (61 % of 1.979e15 fp8, 84 % of 3.35e12 B/s);
# 155 and 45 GB/s are the NVLink and 400 Gb InfiniBand rates in DeepEP's tables. The others scale the vendors' peaks by
# the same shares; an H100 is an H800 with whole NVLink, and eight B200 share one NVLink domain. The GB200 rack is one
# NVLink domain, for which DeepEP V2 reports about 700 GB/s.
DEVICES = {
    "h800": Device(flops_per_s=1.2e15, memory_bytes_per_s=2.8e12, intra_bytes_per_s=155e9, inter_bytes_per_s=45e9),
    "h200": Device(flops_per_s=1.2e15, memory_bytes_per_s=4.0e12, intra_bytes_per_s=350e9, inter_bytes_per_s=45e9),
    "h20": Device(flops_per_s=0.18e15, memory_bytes_per_s=3.3e12, intra_bytes_per_s=350e9, inter_bytes_per_s=45e9),
    "gb200": Device(flops_per_s=3.0e15, memory_bytes_per_s=6.7e12, intra_bytes_per_s=700e9, inter_bytes_per_s=700e9),
    "h100": Device(flops_per_s=1.2e15, memory_bytes_per_s=2.8e12, intra_bytes_per_s=350e9, inter_bytes_per_s=45e9),
    "b200": Device(flops_per_s=2.7e15, memory_bytes_per_s=6.7e12, intra_bytes_per_s=700e9, inter_bytes_per_s=45e9),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertShape:
    """One expert: gate, up and down projection between `hidden` and `intermediate`, in fp8."""

    hidden: int
    intermediate: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of the three matrices."""
        return 3 * self.hidden * self.intermediate

    @property
    def flops_per_token(self) -> int:
        """A multiplication and an addition per weight."""
        return 2 * self.weight_bytes

    @property
    def token_bytes(self) -> float:
        """One token copy there (fp8 and a float32 scale per 128 values) and back (bf16)."""
        return self.hidden * (1 + 4 / 128 + 2)


@dataclass(frozen=True, slots=True, eq=False)
class ExpertCurve:
    """Microseconds that a GPU spends on one slot, by its token count; never decreasing, 0 for no tokens.

    `floor_us` bounds the time of a token count however it is split: the sum of `time_us` over the parts is no less.
    """

    table_us: Floats  # (TABLE_TOKENS + 1,)
    slope_us: float  # per token beyond the table
    floor_table_us: Floats
    floor_slope_us: float

    def time_us(self, tokens: Floats) -> Floats:
        """Time of slots with these token counts, any shape."""
        return _on_curve(self.table_us, self.slope_us, tokens)

    def floor_us(self, tokens: Floats) -> Floats:
        """Least total time of these token counts over all ways to split each of them among slots."""
        return _on_curve(self.floor_table_us, self.floor_slope_us, tokens)


def roofline_curve(device: Device, expert: ExpertShape, tile: int) -> ExpertCurve:
    """The slower of streaming the weights and multiplying whole tiles of `tile` tokens.

    It is its own floor: a maximum of a constant and a rounded-up line never shrinks when its argument is split.
    """
    stream_us = 1e6 * expert.weight_bytes / device.memory_bytes_per_s
    token_us = 1e6 * expert.flops_per_token / device.flops_per_s
    tokens = np.arange(TABLE_TOKENS + 1)
    table = np.where(tokens > 0, np.maximum(stream_us, -(-tokens // tile) * tile * token_us), 0.0)
    return ExpertCurve(table, token_us, table, token_us)


def measured_curve(tokens_Q: Integers, times_us_Q: Floats) -> ExpertCurve:
    """Stairs through measured points: a count between two knots takes as long as the next larger one.

    Args:
        tokens_Q: Knots, increasing, from 1 or more.
        times_us_Q: Their times, positive; made non-decreasing here.
    """
    times = np.maximum.accumulate(times_us_Q.astype(np.float64))
    slope = float(times[-1] / tokens_Q[-1])
    counts = np.arange(TABLE_TOKENS + 1)
    step = np.searchsorted(tokens_Q, counts)
    beyond = times[-1] + slope * np.maximum(counts - int(tokens_Q[-1]), 0)
    table = np.where(step < tokens_Q.size, times[np.minimum(step, tokens_Q.size - 1)], beyond)
    table[0] = 0.0
    rate = min(float((table[1:] / counts[1:]).min()), slope)
    return ExpertCurve(table, slope, np.where(counts > 0, np.maximum(table[1], rate * counts), 0.0), rate)


def _on_curve(table: Floats, slope: float, tokens: Floats) -> Floats:
    """Whole tokens count: the parts of an integer round up to integers that add to no less, so floors stay floors."""
    last = table.size - 1
    whole = np.maximum(np.ceil(tokens - ROUNDING_TOKENS), 0.0)
    times = table[np.minimum(whole, last).astype(np.intp)]
    if whole.size and whole.max() > last:
        times += slope * np.maximum(whole - last, 0.0)
    return times


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How token copies travel; every GPU is the source of an equal share of the tokens."""

    gpus: int
    nodes: int
    intra_bytes_per_s: float
    inter_bytes_per_s: float
    token_bytes: float
    latency_us: float
    hierarchical: bool  # one copy per node and then one per GPU, instead of one per chosen expert
    groups: int = 1
    group_limit: int = 1  # a token uses experts of at most this many groups

    @property
    def gpus_per_node(self) -> int:
        """GPUs in one node."""
        return self.gpus // self.nodes


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Tokens per slot and iteration, and how they got there; the rest came from the slot's own GPU."""

    tokens_ILP: Floats
    near_ILP: Floats  # from another GPU of the same node
    far_ILP: Floats  # from another node
    near_out_IL: Floats | float = 0.0  # most that one GPU sends within its node, where that can exceed what one gets
    far_out_IL: Floats | float = 0.0


def compute_us(tokens_ILP: Floats, curve: ExpertCurve, num_gpus: int) -> Floats:
    """Expert compute of every GPU, ``(I, L, G)``: the sum over its slots."""
    return per_part(curve.time_us(tokens_ILP), num_gpus)


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Which routing groups the tokens of an iteration use."""

    tokens_IL: Floats
    share_ILR: Floats  # share of the tokens that use the group; one group of all experts where the model has no limit
    experts_per_group: int


def group_visits(loads_ILE: Floats, top_k: int, network: Network) -> Visits:
    """A group is visited in proportion to its load, by its hottest expert's tokens at least and by all at most."""
    tokens = np.maximum(loads_ILE.sum(axis=2) / top_k, 1.0)
    limited = network.group_limit < network.groups
    if not limited:
        return Visits(tokens, np.ones((*tokens.shape, 1)), loads_ILE.shape[2])
    grouped = loads_ILE.reshape(*tokens.shape, network.groups, -1) / tokens[..., None, None]
    share = np.maximum(grouped.sum(axis=3) * network.group_limit / top_k, grouped.max(axis=3))
    return Visits(tokens, np.clip(share, 1e-9, 1.0), grouped.shape[3])


def all_to_all_us(flows: Flows, placement_LP: Integers, visits: Visits, network: Network) -> Floats:
    """Dispatch and combine of one layer, ``(I, L)``."""
    if network.hierarchical:
        return _hierarchical_us(flows, placement_LP, visits, network)
    near = np.maximum(per_part(flows.near_ILP, network.gpus).max(axis=2), flows.near_out_IL)
    far = np.maximum(per_part(flows.far_ILP, network.gpus).max(axis=2), flows.far_out_IL)
    return flat_us(near, far, network)


def flat_us(near_IL: Floats, far_IL: Floats, network: Network) -> Floats:
    """One copy per chosen expert: both kinds of link work at once, the slower one decides."""
    bytes_us = 1e6 * network.token_bytes
    transfer: Floats = np.maximum(
        bytes_us / network.intra_bytes_per_s * near_IL, bytes_us / network.inter_bytes_per_s * far_IL
    )
    return network.latency_us + transfer


def relayed_us(near_IL: Floats, far_IL: Floats, network: Network) -> Floats:
    """One copy per node, then one per GPU: the two steps follow each other."""
    bytes_us = 1e6 * network.token_bytes
    transfer: Floats = bytes_us / network.intra_bytes_per_s * near_IL + bytes_us / network.inter_bytes_per_s * far_IL
    return network.latency_us + transfer


def _hierarchical_us(flows: Flows, placement_LP: Integers, visits: Visits, network: Network) -> Floats:
    """A remote token goes once to each node it needs, to the GPU of its own rank there, and on from that GPU.

    A token's choices are taken as independent within the groups it visits, and remote sources as alike.
    """
    m, tokens = network.gpus_per_node, visits.tokens_IL[..., None]
    copies = flows.near_ILP + flows.far_ILP * (1 - 1 / m)
    near = (tokens * touches(copies / tokens, placement_LP, visits, network.gpus)).max(axis=2)
    if network.nodes == 1:
        return relayed_us(near, np.zeros_like(near), network)
    remote = tokens * (1 - 1 / network.nodes)
    far = (remote / m * touches(flows.far_ILP / remote, placement_LP, visits, network.nodes)).max(axis=2)
    return relayed_us(near, far, network)


def touches(choice_ILP: Floats, placement_LP: Integers, visits: Visits, num_parts: int) -> Floats:
    """Chance that a token needs each of `num_parts` equal stretches of slots (GPUs or nodes), ``(I, L, num_parts)``.

    Args:
        choice_ILP: Chance that the token goes to each slot.
        placement_LP: The expert in each slot.
        visits: Use of the routing groups.
        num_parts: Stretches.
    """
    num_groups = visits.share_ILR.shape[2]
    if num_groups == 1:
        return -np.expm1(per_part(_log_miss(choice_ILP), num_parts))
    group_LP = placement_LP // visits.experts_per_group
    layers = np.arange(placement_LP.shape[0])[:, None]
    log_miss = _log_miss(choice_ILP / visits.share_ILR[:, layers, group_LP])
    part_P = np.arange(placement_LP.shape[1]) // (placement_LP.shape[1] // num_parts)
    seats = _sum_into(log_miss, group_LP * num_parts + part_P, num_groups * num_parts)
    needed = -np.expm1(seats.reshape(*visits.share_ILR.shape, num_parts)) * visits.share_ILR[..., None]
    missed: Floats = np.prod(1.0 - needed, axis=2)
    return 1.0 - missed


def _log_miss(choice: Floats) -> Floats:
    return np.log1p(-np.minimum(choice, ALMOST_ONE))


def _sum_into(values_ILP: Floats, seat_LP: npt.NDArray[np.integer], num_seats: int) -> Floats:
    """``(I, L, num_seats)``: the values of all slots that share a seat, summed."""
    num_iterations, num_layers, _ = values_ILP.shape
    row = np.arange(num_iterations * num_layers).reshape(num_iterations, num_layers, 1)
    flat = (row * num_seats + seat_LP).ravel()
    sums = np.bincount(flat, values_ILP.ravel(), row.size * num_seats).astype(np.float64, copy=False)
    return sums.reshape(num_iterations, num_layers, num_seats)


def per_part(values_ILP: Floats, num_parts: int) -> Floats:
    """Sums over `num_parts` equal stretches of the last axis."""
    summed: Floats = values_ILP.reshape(*values_ILP.shape[:-1], num_parts, -1).sum(axis=-1)
    return summed


def layer_us(compute_IL: Floats, all_to_all_IL: Floats, *, overlapped: bool) -> Floats:
    """The two parts one after the other, or hidden behind each other by two batches in flight."""
    return np.maximum(compute_IL, all_to_all_IL) if overlapped else compute_IL + all_to_all_IL


@dataclass(frozen=True, slots=True)
class Migration:
    """Weights that change GPU between two placements."""

    replicas: float  # copies that arrive on a GPU that did not hold the expert; slices count by their share
    total_bytes: float
    seconds: float  # until the GPU that waits longest has all of its own


def migration(old_LP: Integers, new_LP: Integers, num_experts: int, expert_bytes: float, network: Network) -> Migration:
    """What it takes to get from one placement to the next; slots of one GPU may be permuted for nothing.

    A copy comes from a GPU of the same node if one held the expert, else over the link between nodes.
    """
    return moved(*arrivals(old_LP, new_LP, num_experts, network), expert_bytes, network)


def arrivals(old_LP: Integers, new_LP: Integers, num_experts: int, network: Network) -> tuple[Floats, Floats]:
    """Copies that arrive on each GPU from its own node, and in all, ``(G,)``."""
    on_gpu = presence(old_LP, num_experts, network.gpus)
    arriving = presence(new_LP, num_experts, network.gpus) & ~on_gpu
    by_node = on_gpu.reshape(len(old_LP), network.nodes, network.gpus_per_node, num_experts).any(axis=2)
    near = arriving & np.repeat(by_node, network.gpus_per_node, axis=1)
    return near.sum(axis=(0, 2)).astype(np.float64), arriving.sum(axis=(0, 2)).astype(np.float64)


def moved(near_G: Floats, all_G: Floats, expert_bytes: float, network: Network) -> Migration:
    """The move of so many copies to each GPU, `near_G` of them from its own node."""
    seconds = expert_bytes * np.maximum(
        near_G / network.intra_bytes_per_s, (all_G - near_G) / network.inter_bytes_per_s
    )
    return Migration(float(all_G.sum()), expert_bytes * float(all_G.sum()), float(seconds.max()))


def presence(placement_LP: Integers, num_experts: int, num_parts: int) -> npt.NDArray[np.bool_]:
    """``(L, num_parts, E)``: whether a GPU (or node) holds the expert."""
    num_layers, num_slots = placement_LP.shape
    held = np.zeros((num_layers, num_parts, num_experts), dtype=np.bool_)
    part_P = np.arange(num_slots) // (num_slots // num_parts)
    held[np.arange(num_layers)[:, None], part_P, placement_LP] = True
    return held
