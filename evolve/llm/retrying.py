"""Whether a failed call is tried again, and after how long. Pure: the clock's reading and the generator come in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import numpy as np

from evolve.llm.model import Finish

UNUSABLE = frozenset({Finish.LENGTH, Finish.CONTENT_FILTER, Finish.EMPTY, Finish.OVERSIZED})
"""Answered, and perhaps paid: tried again, but less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a question is pursued."""

    max_tries: int = 4
    max_unusable: int = 2  # answers nobody can use, of these tries
    deadline_s: float = 600.0  # from the first try's beginning; waiting for one of the model's slots is not counted
    first_wait_s: float = 1.0  # mean of the first wait is half of it
    longest_wait_s: float = 60.0  # between tries; what the server asks for may be longer


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Another try is worth it."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """It is not."""

    reason: str


def after_failure(
    policy: RetryPolicy,
    tries: Sequence[Finish],
    retry_after_s: float | None,
    left_s: float,
    rng: np.random.Generator,
    *,
    known: bool = False,
) -> TryAgain | Stop:
    """What to do after `tries`, the last of which brought nothing usable.

    Waits have full jitter: uniform between 0 and a bound that doubles. The server's ``Retry-After`` is a floor under
    them, with up to `first_wait_s` on top, so that clients told the same do not come back together.

    Args:
        tries: How each try ended, in order; not empty.
        retry_after_s: As the server asked, of the last try.
        left_s: Until the deadline.
        known: The server has answered before, so that while it cannot be reached it is waited for.
    """
    last = tries[-1]
    if last is Finish.REFUSED:
        return Stop("the server refuses the request")
    counted = [finish for finish in tries if finish is not Finish.ADAPTED]  # each of those leaves a parameter out
    if sum(not (known and finish is Finish.UNREACHABLE) for finish in counted) >= policy.max_tries:
        return Stop(f"{len(counted)} tries failed")
    if sum(finish in UNUSABLE for finish in counted) >= policy.max_unusable:
        return Stop(f"{policy.max_unusable} answers were of no use")
    if last is Finish.ADAPTED:
        return TryAgain(0.0) if left_s > 0 else Stop("the deadline of the proposal has passed")
    return _wait(policy, len(counted), retry_after_s, left_s, rng)


def retry_after_s(headers: Mapping[str, str], now_unix_s: float) -> float | None:
    """What ``Retry-After`` asks for, as seconds or as an HTTP date (RFC 9110, section 10.2.3), never negative.

    Args:
        headers: Names in lower case.
    """
    text = headers.get("retry-after", "").strip()
    try:
        wait_s = float(text)
    except ValueError:
        try:
            wait_s = parsedate_to_datetime(text).timestamp() - now_unix_s
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return max(wait_s, 0.0) if math.isfinite(wait_s) else None


def _wait(
    policy: RetryPolicy, num_failed: int, retry_after_s: float | None, left_s: float, rng: np.random.Generator
) -> TryAgain | Stop:
    bound_s = min(policy.first_wait_s * 2.0 ** (num_failed - 1), policy.longest_wait_s)
    wait_s = float(rng.uniform(0, bound_s))
    if retry_after_s is not None:
        wait_s = max(wait_s, retry_after_s + float(rng.uniform(0, policy.first_wait_s)))
    if wait_s >= left_s:
        return Stop(f"the next try would begin in {wait_s:.3g} s, but the deadline is in {max(left_s, 0):.3g} s")
    return TryAgain(wait_s)
