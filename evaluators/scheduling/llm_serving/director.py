"""What the simulator asks whoever schedules: a sandboxed program, or a reference policy of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from evaluators.scheduling.llm_serving.replica import DECODE, PREFILL, Replica
from evaluators.scheduling.llm_serving.requests import Request

HOLD = -1


class Placement(NamedTuple):
    """Where a request goes and how urgent it is there."""

    replica: int  # for its prefill; `HOLD` to be asked again a little later
    decode_replica: int  # for its decodes, where the fleet is split; else as `replica`
    key: float  # smaller is served first, and preempted last
    retain_s: float = 0.0  # its blocks count as used that much later when the cache drops the oldest
    adjusted: bool = False  # whether clocks or fine-tuning of replicas may have been changed on the way


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What one replica does next, by uid."""

    prefill: Sequence[tuple[Request, int]] = ()  # waiting or begun requests, and how many tokens of each
    pause: Sequence[Request] = ()  # decoding requests that sit this step out
    preempt: Sequence[Request] = ()
    iterations: int = 1 << 30  # how long a plan without prefill may stand, if nothing else happens


@dataclass(frozen=True, slots=True)
class Style:
    """What a director does beyond placing requests."""

    prefill_first: bool = False
    plans_batches: bool = False  # `plan` is asked instead of the engine's own batching rules
    rebalance_every_s: float = 0.0  # 0 is never
    swaps: bool = False  # preempted requests keep their KV in host memory
    budgets: Sequence[int] = field(default_factory=tuple)  # initial, by replica


class Director(Protocol):
    """Decides; never changes a replica but for its `budget`, `target_s` and `pace`."""

    @property
    def style(self) -> Style:
        """Known before the first request."""

    def place(self, now_s: float, request: Request, replicas: Sequence[Replica]) -> Placement:
        """Where an arriving (or evicted) request goes."""

    def plan(self, now_s: float, replica: Replica) -> BatchPlan:
        """The next step of one replica; asked only if `style.plans_batches`."""

    def rebalance(self, now_s: float, replicas: Sequence[Replica]) -> Sequence[tuple[Request, int]]:
        """Moves of waiting or decoding requests to other replicas; asked every `style.rebalance_every_s`."""


def prefill_candidates(replicas: Sequence[Replica]) -> list[Replica]:
    """Those that may compute a prompt now."""
    return [replica for replica in replicas if replica.up and replica.role != DECODE]


def decode_candidates(replicas: Sequence[Replica]) -> list[Replica]:
    """Those that may decode now."""
    return [replica for replica in replicas if replica.up and replica.role != PREFILL]
