"""Generators of request streams, fitted to public traces.

Lengths are drawn from quantile knots, arrivals from the processes fitted to each trace: Azure's conversation and code
traces of November 2023 (Patel et al., "Splitwise", ISCA 2024; CC-BY 4.0) and Mooncake's (Qin et al., FAST 2025). The
code trace's bursts are drawn from it in blocks (`bursts`); conversations that come back carry their earlier turns as a
shared prefix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from evaluators.contract import ContractError
from evaluators.scheduling.llm_serving.bursts import burst_times
from evaluators.scheduling.llm_serving.requests import BLOCK_TOKENS
from evaluators.scheduling.llm_serving.traces import TraceRow

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

_QUANTILES = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1)
_CONV_IN = (2, 29, 181, 207, 387, 403, 703, 1020, 1071, 1130, 1315, 2734, 4083, 4098, 4142, 6179, 14050)
_CONV_OUT = (7, 16, 41, 54, 77, 91, 103, 129, 177, 384, 400, 424, 451, 540, 601, 954, 1000)
_CODE_IN = (3, 17, 75, 147, 385, 770, 1075, 1469, 1909, 2433, 3192, 5187, 7303, 7436, 7436, 7437, 7437)
_CODE_OUT = (6, 6, 6, 7, 8, 9, 11, 13, 16, 20, 29, 55, 90, 170, 251, 825, 1899)
_MOON_IN = (
    *(891, 894, 901, 964, 1662, 3263, 4993, 6909, 9570, 13196, 17869),
    *(27367, 39550, 66448, 85400, 121300, 126195),
)
_MOON_OUT = (1, 3, 10, 24, 100, 213, 291, 350, 399, 447, 504, 597, 698, 891, 1118, 2000, 2000)

Draw: TypeAlias = Callable[[np.random.Generator, int], list[TraceRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One kind of traffic."""

    name: str
    draw: Draw  # `count` requests at a rate of the generator's own, from time 0
    mean_prompt: float  # tokens, over the whole trace: what its operator knows
    mean_output: float


def scaled(rows: Sequence[TraceRow], rate: float) -> list[TraceRow]:
    """The same requests with time stretched so that their mean rate is `rate` per second."""
    stretch = len(rows) / max(rows[-1].at_s, 1e-9) / rate
    return [TraceRow(row.at_s * stretch, row.prompt, row.output, row.blocks) for row in rows]


def _lengths(knots: Sequence[int], rng: np.random.Generator, count: int) -> Ints:
    """By linear interpolation between quantiles."""
    drawn = np.interp(rng.uniform(size=count), _QUANTILES, knots)
    return np.maximum(1, np.rint(drawn)).astype(np.int64)


def _rows(times: Floats, prompts: Ints, outputs: Ints) -> list[TraceRow]:
    return [TraceRow(float(t), int(p), int(d)) for t, p, d in zip(times, prompts, outputs, strict=True)]


def conversation_times(rng: np.random.Generator, count: int) -> Floats:
    """Gamma gaps (shape 0.87) at a rate whose logarithm moves per minute: AR(1), deviation 0.205, memory 0.85."""
    rate, shape, deviation, memory = 5.53, 0.87, 0.205, 0.85
    gaps = rng.gamma(shape, 1 / (shape * rate), count)
    times = np.empty(count)
    level, minute, now = rng.normal(0, deviation), 0, 0.0
    for i, gap in enumerate(gaps):
        now += gap * math.exp(-level)
        while now > 60 * (minute + 1):
            minute += 1
            level = memory * level + rng.normal(0, deviation * math.sqrt(1 - memory**2))
        times[i] = now
    return times


def _conversation(rng: np.random.Generator, count: int) -> list[TraceRow]:
    times = conversation_times(rng, count)
    return _rows(times, _lengths(_CONV_IN, rng, count), _lengths(_CONV_OUT, rng, count))


def _code(rng: np.random.Generator, count: int) -> list[TraceRow]:
    times = burst_times(rng, count)
    return _rows(times, _lengths(_CODE_IN, rng, count), _lengths(_CODE_OUT, rng, count))


def _mixed(rng: np.random.Generator, count: int) -> list[TraceRow]:
    """Half conversation, half code, each with its own arrivals."""
    talk = scaled(_conversation(rng, count - count // 2), 1.0)
    code = scaled(_code(rng, count // 2), 1.0)
    return sorted([*talk, *code], key=lambda row: row.at_s)


def _chat_sessions(rng: np.random.Generator, count: int) -> list[TraceRow]:
    """Mooncake's conversations: a turn comes back with probability 0.4, with all that was said and new text.

    Gaps between turns are lognormal with the trace's spread; their median is a tenth of the time the stream lasts, so
    that a scenario of minutes sees turns come back as often as the hour-long trace does.
    """
    sessions = _Sessions(rng, continue_probability=0.4, gap_median_s=0.1 * count / 3.4, gap_sigma=1.05)
    return sessions.draw(count, rate=3.4, burstiness=2.5)


def _documents(rng: np.random.Generator, count: int) -> list[TraceRow]:
    """Mooncake's tool traffic: 68 % long prompts about documents of a pool, 32 % short ones that share nothing."""
    num_documents = max(4, count // 3)
    popularity = 1.0 / np.arange(1, num_documents + 1) ** 0.6
    sizes = np.minimum(rng.lognormal(9.685, 0.9, num_documents), 60_000).astype(np.int64) // BLOCK_TOKENS
    document = rng.choice(num_documents, size=count, p=popularity / popularity.sum())
    is_long = rng.uniform(size=count) < 0.68
    own = np.maximum(1, rng.lognormal(4.359, 1.337, count)).astype(np.int64)
    outputs = np.where(
        rng.uniform(size=count) < 0.568, rng.lognormal(2.677, 1.3, count), rng.lognormal(5.548, 0.583, count)
    )
    starts = np.concatenate([[0], np.cumsum(sizes)])
    times = np.cumsum(rng.exponential(1 / 3.91, count))
    rows = []
    for i in range(count):
        held = tuple(range(int(starts[document[i]]), int(starts[document[i] + 1]))) if is_long[i] else ()
        prompt = BLOCK_TOKENS * len(held) + int(min(own[i], BLOCK_TOKENS - 1 if held else 8192))
        rows.append(TraceRow(float(times[i]), prompt, max(1, min(2000, int(outputs[i]))), held))
    return rows


class _Sessions:
    """Conversations of several turns; block 0 is the system prompt that all share."""

    def __init__(
        self, rng: np.random.Generator, *, continue_probability: float, gap_median_s: float, gap_sigma: float
    ) -> None:
        self._rng = rng
        self._continue = continue_probability
        self._gap = (math.log(gap_median_s), gap_sigma)
        self._next_block = 1

    def draw(self, count: int, rate: float, burstiness: float) -> list[TraceRow]:
        rng = self._rng
        first_share = 1 - self._continue
        # Poisson counts at a rate that is gamma in each 10 s: index of dispersion `burstiness` at that scale
        expected = 10 * rate * first_share
        times: list[float] = []
        now = 0.0
        while len(times) < count:
            size = rng.poisson(rng.gamma(expected / (burstiness - 1), burstiness - 1))
            times += (now + np.sort(rng.uniform(0, 10, size))).tolist()
            now += 10
        rows = [row for start in times[:count] for row in self._session(start)]
        return sorted(rows, key=lambda row: row.at_s)[:count]

    def _session(self, start_s: float) -> list[TraceRow]:
        rng = self._rng
        prompt, output = (int(_lengths(knots, rng, 1)[0]) for knots in (_MOON_IN, _MOON_OUT))
        blocks = (0, *self._fresh(prompt // BLOCK_TOKENS - 1))
        rows = [TraceRow(start_s, prompt, output, blocks[: prompt // BLOCK_TOKENS])]
        while rng.uniform() < self._continue:
            start_s += float(rng.lognormal(*self._gap))
            prompt += output + int(rng.lognormal(5.5, 1.0))
            if prompt > _MOON_IN[-1]:
                break
            output = int(_lengths(_MOON_OUT, rng, 1)[0])
            blocks = (*rows[-1].blocks, *self._fresh(prompt // BLOCK_TOKENS - len(rows[-1].blocks)))
            rows.append(TraceRow(start_s, prompt, output, blocks))
        return rows

    def _fresh(self, count: int) -> range:
        first = self._next_block
        self._next_block += max(0, count)
        return range(first, self._next_block)


SERVICES: Mapping[str, Service] = {
    service.name: service
    for service in (
        Service(name="conversation", draw=_conversation, mean_prompt=1155, mean_output=211),
        Service(name="code", draw=_code, mean_prompt=2048, mean_output=28),
        Service(name="mixed", draw=_mixed, mean_prompt=1600, mean_output=120),
        Service(name="sessions", draw=_chat_sessions, mean_prompt=12035, mean_output=343),
        Service(name="documents", draw=_documents, mean_prompt=12000, mean_output=150),
    )
}


def trace_windows(rows: Sequence[TraceRow], *, holdout: bool) -> Service:
    """A recorded trace as a service: contiguous windows, of its last third for the hold-out, else of the rest.

    Raises:
        ContractError: All requests of that part come at one moment, so that it has no rate; `draw` says so of a window.
    """
    border = 2 * len(rows) // 3
    part = _taking_time(rows[border:], border) if holdout else _taking_time(rows[:border], 0)

    def draw(rng: np.random.Generator, count: int) -> list[TraceRow]:
        """A window of the recording; all of the part, if it is shorter."""
        first = int(rng.integers(0, max(1, len(part) - count)))
        window = _taking_time(part[first : first + count], first + border * holdout)
        return [TraceRow(row.at_s - window[0].at_s, row.prompt, row.output, row.blocks) for row in window]

    return Service(
        name="trace",
        draw=draw,
        mean_prompt=float(np.mean([row.prompt for row in rows])),
        mean_output=float(np.mean([row.output for row in rows])),
    )


def _taking_time(rows: Sequence[TraceRow], first: int) -> Sequence[TraceRow]:
    """Themselves, unless they come all at once; `first` is the place of the first one in the trace."""
    if rows[-1].at_s > rows[0].at_s:
        return rows
    which = f"requests {first + 1} to {first + len(rows)}" if len(rows) > 1 else f"request {first + 1}"
    raise ContractError(
        f"trace: {which}, played as one stream, should take some time from the first to the last, but all come at "
        f"{rows[0].at_s:g} s; record more requests, or their times more finely"
    )
