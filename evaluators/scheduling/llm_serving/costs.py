"""How long one iteration of a replica takes, and what its KV cache holds.

The linear, norm and rotary operations and the all-reduce come from measured knots, attention from linear fits; all are
derived from the profiling data of Vidur (Agrawal et al., MLSys 2024; github.com/microsoft/vidur, MIT), see
`cost_tables.json`. H100 attention has no profile: it is the A100's, scaled by memory bandwidth and by matrix rate.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from evaluators.contract import ContractError

_PADDING = 8  # tokens of an iteration are rounded up to a multiple of this
_TABLE_TOKENS = 16384
_BATCHED_ATTENTION = 1.1  # what several sequences in one attention call cost over their sum (Vidur's GQA factor)
_LAUNCH_S = 20e-6  # per all-reduce
_GPU_BYTES = 80 * 2**30
_USABLE = 0.9
_H100_BANDWIDTH = 1.64  # 3.35 TB/s over the A100's 2.04
_H100_MATRIX_RATE = 2.5
_IDLE_W = {"a100": 80.0, "h100": 120.0}  # per GPU, assumed
_LIMIT_W = {"a100": 400.0, "h100": 700.0}  # per GPU: NVIDIA's data sheets of the SXM modules
_HOST_BYTES_PER_S = 25e9  # per GPU, PCIe 4.0 x16
_PROFILED_KV_HEADS, _PROFILED_QUERY_HEADS = 4, 32  # per GPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the cost model needs of a language model."""

    key: str  # its name in the tables
    layers: int
    width: int
    query_heads: int
    kv_heads: int
    parameters: float
    cpu_s: float  # per iteration: sampling, scheduling, launching

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token in fp16, heads of 128."""
        return 2 * 2 * self.layers * self.kv_heads * 128


MODELS: Mapping[str, Model] = {
    "llama3-8b": Model(
        key="meta-llama/Meta-Llama-3-8B",
        layers=32,
        width=4096,
        query_heads=32,
        kv_heads=8,
        parameters=8.03e9,
        cpu_s=2e-3,
    ),
    "llama3-70b": Model(
        key="meta-llama/Meta-Llama-3-70B",
        layers=80,
        width=8192,
        query_heads=64,
        kv_heads=8,
        parameters=70.55e9,
        cpu_s=3e-3,
    ),
    "llama2-70b": Model(
        key="meta-llama/Llama-2-70b-hf",
        layers=80,
        width=8192,
        query_heads=64,
        kv_heads=8,
        parameters=68.98e9,
        cpu_s=3e-3,
    ),
    "llama2-7b": Model(
        key="meta-llama/Llama-2-7b-hf",
        layers=32,
        width=4096,
        query_heads=32,
        kv_heads=32,
        parameters=6.74e9,
        cpu_s=2e-3,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # by identity: `cost_model` makes each once
class CostModel:
    """Seconds per iteration of one replica as a function of its batch.

    With B decoding sequences that read S KV tokens, and prefill chunks of q tokens after c tokens of context:
    ``T = linear(B + sum q) + (decode_fixed_s + decode_s * S) + (prefill_fixed_s + prefill_pair_s * sum q (c + q / 2) +
    prefill_s * sum q) + cpu_s``; the attention terms count 1.1 times for more than one sequence. A chunk never takes
    less for its context than a decode that reads it.
    """

    linear_s: tuple[float, ...]  # for 0, 8, 16, ... tokens: linear operations and all-reduce of all layers
    slope_s: float  # per token beyond the table
    decode_fixed_s: float
    decode_s: float  # per KV token read
    prefill_fixed_s: float
    prefill_pair_s: float  # per (token x context token)
    prefill_s: float  # per token
    cpu_s: float
    kv_tokens: int
    kv_bytes_per_token: int
    fewest_queries: float  # a chunk reads its context from memory however short it is: as this many queries would
    weights_s: float  # of the linear operations, spent on reading weights: what no clock changes
    idle_w: float
    dynamic_w: float  # above idling, at most
    host_bytes_per_s: float  # between GPU and host memory

    def linear(self, tokens: int) -> float:
        """Seconds of everything but attention for that many tokens."""
        slot = (tokens + _PADDING - 1) // _PADDING
        last = len(self.linear_s) - 1
        if slot <= last:
            return self.linear_s[slot]
        return self.linear_s[last] + self.slope_s * _PADDING * (slot - last)

    def iteration_s(self, decoding: int, read_tokens: int, chunks: Sequence[tuple[int, int]]) -> float:
        """Seconds of one iteration; `chunks` are pairs of context and new tokens."""
        tokens, seconds = decoding, self.cpu_s
        if decoding:
            attention = self.decode_fixed_s + self.decode_s * read_tokens
            seconds += _BATCHED_ATTENTION * attention if decoding > 1 else attention
        if chunks:
            new, attention = self._prefill_attention_s(chunks)
            seconds += attention
            tokens += new
        return seconds + self.linear(tokens)

    def compute_s(self, tokens: int, chunks: Sequence[tuple[int, int]]) -> float:
        """Seconds of an iteration bound by computing: linear work beyond reading the weights, attention of prompts."""
        linear = self.linear(tokens) - self.weights_s if tokens else 0.0
        return linear + self._prefill_attention_s(chunks)[1] if chunks else linear

    def _prefill_attention_s(self, chunks: Sequence[tuple[int, int]]) -> tuple[int, float]:
        """New tokens of all chunks, and the seconds of their attention."""
        new, pairs = 0, 0.0
        for context, size in chunks:
            new += size
            pairs += max(size, self.fewest_queries) * context + 0.5 * size * size
        attention = self.prefill_fixed_s + self.prefill_pair_s * pairs + self.prefill_s * new
        return new, _BATCHED_ATTENTION * attention if len(chunks) > 1 else attention

    def decode_growth_s(self, decoding: int) -> float:
        """By how much each iteration of a decode stretch is longer than the one before it."""
        return self.decode_s * decoding * (_BATCHED_ATTENTION if decoding > 1 else 1.0)

    def largest_chunk(self, decoding: int, read_tokens: int, context: int, target_s: float, most: int) -> int:
        """The most new tokens, up to `most`, whose iteration takes at most `target_s`; a multiple of 8, perhaps 0."""
        return largest_multiple(
            lambda new: self.iteration_s(decoding, read_tokens, ((context, new),)) <= target_s, most
        )

    def transfer_s(self, tokens: int, link_bytes_per_s: float) -> float:
        """Seconds to move the KV of that many tokens to another replica: bytes over the link, and 2 ms."""
        return self.kv_bytes_per_token * tokens / link_bytes_per_s + 2e-3

    def swap_s(self, tokens: int) -> float:
        """Seconds to copy the KV of that many tokens to host memory, or back."""
        return self.kv_bytes_per_token * tokens / self.host_bytes_per_s


def largest_multiple(fits: Callable[[int], bool], most: int) -> int:
    """The largest multiple of the padding up to `most` that fits, perhaps 0; what is less than one that fits, fits."""
    low, high = 0, most // _PADDING
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle * _PADDING):
            low = middle
        else:
            high = middle - 1
    return low * _PADDING


@lru_cache(maxsize=64)
def cost_model(
    model: str, gpu: str, tp: int, cpu_s: float | None = None, kv_tokens: int | None = None, speed: float = 1.0
) -> CostModel:
    """The cost model of `model` on `tp` GPUs.

    Args:
        model: A key of `MODELS`.
        gpu: ``a100`` or ``h100``.
        tp: GPUs that share each layer.
        cpu_s: Per iteration, instead of the model's own.
        kv_tokens: Capacity, instead of 90 % of 80 GiB per GPU less the weights.
        speed: Divides all GPU seconds: a device that is faster (> 1) or slower by this factor.

    Raises:
        ContractError: No profile of that combination, or the weights leave no room for a KV cache.
    """
    found, tables = MODELS[model], _tables()
    key = f"{found.key}|{gpu}|tp{tp}"
    if key not in tables:
        known = ", ".join(sorted(k.removeprefix(found.key + "|") for k in tables if k.startswith(found.key + "|")))
        raise ContractError(f"there is no cost profile of {model} on {gpu} with tp {tp}; there are {known}")
    capacity = kv_tokens or int((tp * _GPU_BYTES * _USABLE - 2 * found.parameters) / found.kv_bytes_per_token)
    if capacity < 4096:
        raise ContractError(f"{model} with tp {tp} leaves room for {capacity} KV tokens; use more GPUs per replica")
    linear_s = [
        1e-3 * found.layers * _linear_ms(tables, key, found, tp, n) / speed
        for n in range(0, _TABLE_TOKENS + 1, _PADDING)
    ]
    decode, prefill = tables["dec"], tables["pre"]
    kv_share = max(1.0, found.kv_heads / tp) / _PROFILED_KV_HEADS
    query_share = found.query_heads / tp / _PROFILED_QUERY_HEADS
    bandwidth, rate = (_H100_BANDWIDTH, _H100_MATRIX_RATE) if gpu == "h100" else (1.0, 1.0)
    layers_s = 1e-3 * found.layers / speed
    decode_s = layers_s * decode[2] * kv_share / bandwidth
    prefill_pair_s = layers_s * prefill[1] * query_share / rate
    return CostModel(
        linear_s=(0.0, *linear_s[1:]),
        slope_s=(linear_s[-1] - linear_s[-2]) / _PADDING,
        decode_fixed_s=layers_s * decode[0],
        decode_s=decode_s,
        prefill_fixed_s=layers_s * prefill[0],
        prefill_pair_s=prefill_pair_s,
        prefill_s=layers_s * prefill[3] * query_share / rate,
        cpu_s=found.cpu_s if cpu_s is None else cpu_s,
        kv_tokens=capacity,
        kv_bytes_per_token=found.kv_bytes_per_token,
        fewest_queries=decode_s / prefill_pair_s,
        weights_s=min(linear_s[1:]),
        idle_w=tp * _IDLE_W[gpu],
        dynamic_w=tp * (_LIMIT_W[gpu] - _IDLE_W[gpu]),
        host_bytes_per_s=tp * _HOST_BYTES_PER_S,
    )


def _linear_ms(tables: Mapping[str, Any], key: str, model: Model, tp: int, tokens: int) -> float:
    """Per layer, two all-reduces included."""
    linear = _interpolated(tables[key]["K"], tables[key]["t"], tokens)
    if tp == 1:
        return linear
    knots = tables[f"arK{tp}"]
    return linear + 2 * (_interpolated(knots[0], knots[1], 2 * model.width * tokens) + 1e3 * _LAUNCH_S)


def _interpolated(knots: Sequence[float], values: Sequence[float], at: float) -> float:
    """Linear between knots and past the last one; the first value before the first knot."""
    if at <= knots[0]:
        return values[0]
    right = min(bisect_right(knots, at), len(knots) - 1)
    left = right - 1
    share = (at - knots[left]) / (knots[right] - knots[left])
    return values[left] + share * (values[right] - values[left])


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("cost_tables.json").read_text(encoding="utf-8")
    tables: Mapping[str, Any] = json.loads(text)
    return tables
