"""What a program sees: plain numbers in arrays, by the names below, and nothing a real system would not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evaluators.candidate import Argument
from evaluators.scheduling.llm_serving.admission import MAX_RUNNING, hit_tokens
from evaluators.scheduling.llm_serving.bounds import hull
from evaluators.scheduling.llm_serving.costs import CostModel
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.pace import LOWEST_FREQUENCY
from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL, Replica
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS, Request, State

Floats: TypeAlias = npt.NDArray[np.float64]

REQUEST_FIELDS = (
    ("prompt", "tokens to compute, those generated before an eviction included"),
    ("predicted", "output tokens as somebody guessed, 0 where nobody did"),
    ("priority", "higher is more urgent"),
    ("slo_ttft_s", "first token wanted within"),
    ("slo_tpot_s", "every further token wanted within, on average"),
    ("arrival_s", "when it came"),
    ("generated", "output tokens it has already, above 0 only where it arrives anew"),
    (
        "prefix_id",
        "names the second 512-token block and all before it: equal where prompts begin alike, numbered as they come, "
        "-1 without",
    ),
)
REPLICA_FIELDS = (
    ("prefills", "1 if it can take the request's prompt now, else 0 (down, or for decodes only)"),
    ("decodes", "1 if it can take its decodes, else 0"),
    ("kv_capacity", "tokens"),
    ("kv_used", "tokens of running requests"),
    ("running", f"sequences that hold a seat, of {MAX_RUNNING}"),
    ("waiting", "requests in its queue"),
    ("queued_tokens", "prompt tokens still to compute, waiting and begun"),
    ("context_tokens", "KV tokens that one decode iteration reads"),
    ("generated_tokens", "output tokens so far of all requests there"),
    ("predicted_tokens", "sum of their `predicted`"),
    ("iteration_s", "a decode iteration of the sequences there now"),
    ("hit_tokens", "leading prompt tokens of this request that its cache holds"),
    ("prompt_s", "to compute the rest of the prompt, alone and at once"),
    ("queued_s", "to compute its queued tokens in full chunks"),
)
ROW_FIELDS = (
    ("id", "names the request in this scenario"),
    ("arrival_s", ""),
    ("state", "1 waiting, 2 computing its prompt, 3 decoding, 4 sitting out"),
    ("prefill_left", "prompt tokens still to compute"),
    ("kv_tokens", "tokens of KV it holds, or will when admitted"),
    ("generated", "output tokens so far"),
    ("predicted", ""),
    ("priority", ""),
    ("slo_ttft_s", ""),
    ("slo_tpot_s", ""),
    ("key", "as `arrive` gave it"),
    ("first_token_s", "when it came; -1 before"),
    ("replica", "where it is"),
)

_CHUNK = 512
_KNOTS = (1, 8, 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16384)


def request_view(request: Request, prefix_id: int) -> Floats:
    """`(len(REQUEST_FIELDS),)`."""
    arrival = request.arrival
    return np.array(
        (
            request.target,
            arrival.predicted,
            arrival.priority,
            arrival.slo_ttft_s,
            arrival.slo_tpot_s,
            arrival.arrival_s,
            request.generated,
            prefix_id,
        ),
        dtype=np.float64,
    )


def replica_view(replica: Replica, now_s: float, request: Request | None) -> tuple[float, ...]:
    """One replica as of `now_s`, for the request to be placed, in the order of `REPLICA_FIELDS`."""
    cost = replica.cost
    decoding = len(replica.decoding)
    grown = replica.advancing * replica.iterations_by(now_s) if replica.busy else 0
    read = replica.read_tokens + grown
    hit, prompt_s = 0, 0.0
    if request is not None:
        hit = hit_tokens(replica, request) if request.blocks else 0
        prompt_s = cost.iteration_s(0, 0, ((hit, request.target - hit),))
    return (
        replica.up and replica.role != DECODE,
        replica.up and replica.role != PREFILL,
        cost.kv_tokens,
        replica.kv_used + grown,
        replica.num_running,
        len(replica.waiting),
        replica.queued_tokens,
        read,
        replica.generated_tokens + grown,
        replica.predicted_tokens,
        cost.iteration_s(decoding, read, ()) if decoding else 0.0,
        hit,
        prompt_s,
        replica.queued_tokens * cost.linear(_CHUNK) / _CHUNK,
    )


def fleet_view(replicas: Sequence[Replica], now_s: float, request: Request | None) -> Floats:
    """`(len(REPLICA_FIELDS), R)`: a row per field, a column per replica."""
    return np.array([replica_view(replica, now_s, request) for replica in replicas], dtype=np.float64).T


def rows_view(placed: Sequence[tuple[Request, Replica]], now_s: float) -> Floats:
    """`(n, len(ROW_FIELDS))`: a row per request, each with the replica that it is on."""
    rows = [_row(request, replica, now_s) for request, replica in placed]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(ROW_FIELDS))


def _row(request: Request, replica: Replica, now_s: float) -> tuple[float, ...]:
    arrival, steps = request.arrival, 0
    if request.state is State.DECODING:
        steps = replica.iteration - request.joined_iteration
        if replica.busy and replica.advancing:
            steps += replica.iterations_by(now_s)
    return (
        request.uid,
        request.arrival_s,
        request.state,
        request.target - request.prefilled if request.state < State.DECODING else 0,
        request.target + steps,
        request.generated + steps,
        arrival.predicted,
        arrival.priority,
        arrival.slo_ttft_s,
        arrival.slo_tpot_s,
        request.key,
        request.first_token_s,
        replica.index,
    )


def fleet_config(fleet: Fleet) -> dict[str, Argument]:
    """The part of `config` that describes the replicas; arrays have an entry per replica."""
    costs = fleet.costs
    return {
        "replicas": len(costs),
        "role": np.array(fleet.roles, dtype=np.int64),
        "kv_tokens": np.array([c.kv_tokens for c in costs], dtype=np.int64),
        "knots": np.array(_KNOTS, dtype=np.int64),
        "linear_s": np.array([[c.linear(n) for n in _KNOTS] for c in costs]),
        **{name: np.array([_coefficient(c, name) for c in costs]) for name in _COEFFICIENTS},
        "least_s_per_token": np.array([hull(c).per_token_s() for c in costs]),
        "link_bytes_per_s": fleet.link_bytes_per_s,
        "kv_bytes_per_token": np.array([c.kv_bytes_per_token for c in costs], dtype=np.int64),
        "max_running": MAX_RUNNING,
        "block_tokens": BLOCK_TOKENS,
        "goal": int(fleet.goal),
        "quality": np.array(fleet.qualities or (1.0,) * len(costs)),
        "lowest_frequency": LOWEST_FREQUENCY,
    }


_COEFFICIENTS = (
    *("decode_fixed_s", "decode_s", "prefill_fixed_s", "prefill_pair_s", "prefill_s", "cpu_s"),
    *("weights_s", "idle_w", "dynamic_w", "host_bytes_per_s"),
)


def _coefficient(cost: CostModel, name: str) -> float:
    values = {
        "decode_fixed_s": cost.decode_fixed_s,
        "decode_s": cost.decode_s,
        "prefill_fixed_s": cost.prefill_fixed_s,
        "prefill_pair_s": cost.prefill_pair_s,
        "prefill_s": cost.prefill_s,
        "cpu_s": cost.cpu_s,
        "weights_s": cost.weights_s,
        "idle_w": cost.idle_w,
        "dynamic_w": cost.dynamic_w,
        "host_bytes_per_s": cost.host_bytes_per_s,
    }
    return values[name]
