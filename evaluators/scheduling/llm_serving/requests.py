"""What arrives at the fleet, and the state of one request while it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

BLOCK_TOKENS = 512  # tokens per block of a shared prefix, as in the Mooncake traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request as the outside world sends it; immutable, so that many simulations can share it."""

    arrival_s: float
    prompt: int  # tokens, at least 1
    output: int  # tokens, at least 1; hidden from policies
    slo_ttft_s: float
    slo_tpot_s: float
    priority: int = 0  # higher is more urgent
    predicted: float = 0.0  # tokens of output, as someone guessed; 0 is unknown
    blocks: tuple[int, ...] = ()  # ids of the whole blocks of the prompt: equal ids mean equal prefixes


class State(IntEnum):
    """Where a request is."""

    OUTSIDE = 0  # not arrived, held, or on its way between replicas
    WAITING = 1
    PREFILLING = 2
    DECODING = 3
    PAUSED = 4
    FINISHED = 5


class Request:
    """The mutable side of an arrival. `target` counts the tokens whose KV must be computed before it decodes."""

    __slots__ = (
        "admitted",
        "arrival",
        "arrival_s",
        "blocks",
        "decode_replica",
        "finish_iteration",
        "finish_s",
        "first_token_s",
        "generated",
        "held",
        "hit_tokens",
        "joined_iteration",
        "key",
        "output",
        "preemptions",
        "prefilled",
        "replica",
        "retain_s",
        "shared",
        "state",
        "swapped",
        "target",
        "uid",
    )

    def __init__(self, uid: int, arrival: Arrival) -> None:
        self.uid = uid
        self.arrival = arrival
        self.arrival_s = arrival.arrival_s
        self.output = arrival.output
        self.blocks = arrival.blocks
        self.target = arrival.prompt
        self.prefilled = 0
        self.generated = 0  # as of `joined_iteration` while it decodes
        self.joined_iteration = 0
        self.finish_iteration = -1
        self.key = 0.0
        self.retain_s = 0.0
        self.shared = 0  # leading blocks held by reference
        self.admitted = False  # to a batch, ever
        self.hit_tokens = 0  # prompt tokens found in the cache at the first admission
        self.replica = -1
        self.decode_replica = -1
        self.state = State.OUTSIDE
        self.first_token_s = -1.0
        self.finish_s = -1.0
        self.preemptions = 0
        self.held = 0
        self.swapped = False  # its KV, as far as `prefilled`, is in its replica's host memory

    def forget(self) -> None:
        """Its KV is lost: prompt and generated tokens are to be computed anew."""
        self.target = self.arrival.prompt + self.generated
        self.prefilled = 0
        self.finish_iteration = -1
        self.swapped = False

    @property
    def ttft_s(self) -> float:
        """Seconds from arrival to the first token."""
        return self.first_token_s - self.arrival_s

    @property
    def latency_s(self) -> float:
        """Seconds from arrival to the last token."""
        return self.finish_s - self.arrival_s

    @property
    def tpot_s(self) -> float:
        """Seconds per token after the first; 0 for a single token."""
        return (self.finish_s - self.first_token_s) / (self.output - 1) if self.output > 1 else 0.0


def checked_arrivals(arrivals: Sequence[Arrival], smallest_kv_tokens: int) -> Sequence[Arrival]:
    """Themselves.

    Raises:
        ValueError: Unsorted or negative times, lengths below 1, or a request that no replica could ever hold.
    """
    before = 0.0
    for row, arrival in enumerate(arrivals):
        if not arrival.arrival_s >= before:
            raise ValueError(
                f"request {row}: expected times that start at 0 or later and never fall, found {arrival.arrival_s:g} s "
                f"after {before:g} s; sort the trace by time"
            )
        before = arrival.arrival_s
        if arrival.prompt < 1 or arrival.output < 1:
            raise ValueError(
                f"request {row}: expected at least 1 prompt and 1 output token, found {arrival.prompt} and "
                f"{arrival.output}"
            )
        if arrival.prompt + arrival.output > smallest_kv_tokens:
            raise ValueError(
                f"request {row}: its {arrival.prompt} + {arrival.output} tokens can never fit a KV cache of "
                f"{smallest_kv_tokens}; drop it or give replicas more memory"
            )
    return arrivals
