"""What may go wrong at a server, and when: a script for the first requests, a seeded share of the rest."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One way for a request to end badly."""

    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    SERVER_ERROR = "server_error"  # 500
    UNAVAILABLE = "unavailable"  # 503
    HANG = "hang"  # no byte, for ever
    TRICKLE = "trickle"  # a byte now and then, for ever
    TRUNCATED = "truncated"  # finish_reason = length
    EMPTY = "empty"
    CONTENT_FILTER = "content_filter"
    RUBBISH_JSON = "rubbish_json"  # a body that is not in the protocol
    RUBBISH_TEXT = "rubbish_text"  # a reply that holds no program
    OVERSIZED = "oversized"  # a 10 MB body, its length told
    ENDLESS = "endless"  # chunks without end, as fast as they are read
    COMPRESSED = "compressed"  # gzip, though asked not to
    DROPPED = "dropped"  # the connection closes in the middle of the body
    REDIRECT = "redirect"  # 307 to elsewhere
    NO_USAGE = "no_usage"  # a good reply whose tokens are not counted
    UNAUTHORISED = "unauthorised"  # 401; repeats the key
    NOT_FOUND = "not_found"  # 404: no such model
    OUT_OF_QUOTA = "out_of_quota"  # 429 that will not pass


PASSING = (
    Fault.RATE_LIMITED,
    Fault.SERVER_ERROR,
    Fault.UNAVAILABLE,
    Fault.TRUNCATED,
    Fault.EMPTY,
    Fault.CONTENT_FILTER,
    Fault.RUBBISH_JSON,
    Fault.RUBBISH_TEXT,
    Fault.OVERSIZED,
    Fault.DROPPED,
)
"""Those that take no time, and that another try may be spared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """Which request of a model meets which fault."""

    script: tuple[Fault | None, ...] = ()  # of the first requests, in order; None is none
    share: float = 0.0  # of the later ones that fail
    faults: tuple[Fault, ...] = PASSING  # how, with equal probability
    seed: int = 0

    def fault_of(self, request_index: int) -> Fault | None:
        """The fault of the model's request of this number, from 0; the same for the same plan."""
        if request_index < len(self.script):
            return self.script[request_index]
        draw = random.Random(f"{self.seed}:{request_index}")
        return draw.choice(self.faults) if draw.random() < self.share else None
