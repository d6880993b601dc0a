"""What the controller and a worker say to each other: length-prefixed JSON over two pipes, both sides trusted."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from evaluators import jsonable
from evaluators.contract import ContractError, Environment, Evaluation, ParameterValue, PlannerClock, Split, Tier
from evaluators.racing import NO_RACE, Race

PREFIX = struct.Struct("<I")
LARGEST_MESSAGE = 256 << 20  # bytes; a longer length is a broken stream, not a message
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first message to a worker: what it will score, and the secrets its instances come from."""

    task: str  # its address: a name, or the folder it lives in
    parameters: Mapping[str, ParameterValue]
    secrets: Mapping[Split, str]  # splits left out cannot be asked for
    allow_unsafe: bool = False
    drawn: tuple[tuple[Tier, Split], ...] = ()  # instances to draw before it is ready: where they cannot be, it says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The first message back. A worker that cannot start says why, once, and ends."""

    error: str = ""
    environment: Environment | None = None  # present exactly when `error` is empty
    environment_class: str = ""
    task: str = ""
    task_identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest:
    """Play one program on one tier and split."""

    source: str
    tier: Tier
    split: Split
    clock: PlannerClock = PlannerClock.MEASURED
    stored_delays_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    race: Race = NO_RACE
    secret: str = ""  # of the instances; empty: the one that the worker was given for the split at its start
    second_try: bool = False  # the first ended as `infrastructure`: another kill from nowhere is the program's doing


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateReply:
    """The evaluation, or what went wrong in the worker (never in the program: that is an outcome)."""

    evaluation: Evaluation | None = None
    error: str = ""


def encode(message: object) -> bytes:
    """`message` with its length in front."""
    text = jsonable.dumps(message).encode()
    return PREFIX.pack(len(text)) + text


def body_length(prefix: bytes) -> int:
    """The length that a prefix announces.

    Raises:
        ContractError: Not a length of ours.
    """
    (length,) = PREFIX.unpack(prefix)
    if length > LARGEST_MESSAGE:
        raise ContractError(f"expected a message of at most {LARGEST_MESSAGE} bytes, found a length of {length}")
    return int(length)


def decode(kind: type[T], body: bytes) -> T:
    """The message of `kind` in `body`.

    Raises:
        ContractError: It is not one.
    """
    return jsonable.loads(kind, body)
