"""Lengths of the sequences of a batch, drawn in the shapes that training data has.

Shapes: N sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.contract import Split
from evaluators.scheduling.sequence_split.machine import Floats, Ints

Draw = Callable[[np.random.Generator, int], Floats]  # so many lengths, in order of arrival

SHORTEST = 32
LONGEST = 65_536  # tokens; of the patterns of the hold-out twice as many
IMAGE_TOKENS = (256, 576, 1024)  # of an image by its resolution
# Lengths of prompts at these shares of two public traces of requests (Azure 2023, code; Mooncake 2024, conversations)
KNOTS = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1)
CODE = (3, 17, 75, 147, 385, 770, 1075, 1469, 1909, 2433, 3192, 5187, 7303, 7436, 7436, 7437, 7437)
TURNS = (
    891, 894, 901, 964, 1662, 3263, 4993, 6909, 9570, 13_196, 17_869, 27_367, 39_550, 66_448, 85_400, 121_300, 126_195
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One shape of data."""

    draw: Draw
    split: Split = Split.SEARCH  # where it belongs, if all are mixed
    longest: int = LONGEST  # what is drawn longer is cut to it; a cap must hold it
    room: float = 1.4  # tokens that fit into the micro-batches aimed at, over those there are
    slow: bool = False  # whether nodes are joined by a slow network


def lognormal(mean: float, spread: float) -> Draw:
    """Logarithms with this mean and standard deviation."""
    return lambda rng, count: rng.lognormal(mean, spread, count)


def mixture(*parts: tuple[float, Draw]) -> Draw:
    """Each length from one of the parts, drawn by their shares."""

    def draw(rng: np.random.Generator, count: int) -> Floats:
        which_N = rng.choice(len(parts), size=count, p=[share for share, _ in parts])
        drawn = np.stack([part(rng, count) for _, part in parts])
        return np.asarray(drawn[which_N, np.arange(count)], dtype=np.float64)

    return draw


def even(low: float, high: float) -> Draw:
    """Any length between the two alike."""
    return lambda rng, count: rng.uniform(low, high, count)


def with_images(text: Draw, images: float, most: int) -> Draw:
    """Text and, in most sequences, images: a geometric number of them with this mean, of one resolution each."""

    def draw(rng: np.random.Generator, count: int) -> Floats:
        number_N = np.minimum(rng.geometric(1 / images, count) - (rng.random(count) < 0.25), most)
        return np.asarray(text(rng, count) + number_N * rng.choice(IMAGE_TOKENS, count), dtype=np.float64)

    return draw


def pareto(least: float, exponent: float) -> Draw:
    """A power law: half as many sequences are ``2 ** (1 / exponent)`` times as long."""
    return lambda rng, count: np.asarray(least * (1 + rng.pareto(exponent, count)), dtype=np.float64)


def quantiles(values: Sequence[float]) -> Draw:
    """Between the values that lengths have at `KNOTS`."""
    return lambda rng, count: np.asarray(np.interp(rng.random(count), KNOTS, values), dtype=np.float64)


def giants(few: int, rest: Draw) -> Draw:
    """One to `few` sequences of 60 000 to 131 072 tokens somewhere among the rest."""

    def draw(rng: np.random.Generator, count: int) -> Floats:
        drawn_N = rest(rng, count)
        places = rng.permutation(count)[: int(rng.integers(1, few + 1))]
        drawn_N[places] = rng.uniform(60_000, 2 * LONGEST, len(places))
        return drawn_N

    return draw


_CHAT, _DOCUMENTS = lognormal(6.0, 0.7), lognormal(9.3, 0.5)
_LONG_TAIL = mixture((0.97, lognormal(6.5, 1.2)), (0.03, even(16_384, LONGEST)))

PATTERNS: Mapping[str, Pattern] = {
    "lognormal": Pattern(draw=lognormal(6.5, 1.3)),
    "longtail": Pattern(draw=_LONG_TAIL),
    "bimodal": Pattern(draw=mixture((0.85, _CHAT), (0.15, _DOCUMENTS))),
    "multimodal": Pattern(draw=with_images(lognormal(5.5, 0.9), 4.0, 48)),
    "even": Pattern(draw=even(1500, 2500), longest=2500),
    "tight": Pattern(draw=lognormal(7.0, 1.2), room=1.08),
    "slow_network": Pattern(draw=_LONG_TAIL, slow=True),
    "turns": Pattern(draw=quantiles(TURNS), split=Split.HOLDOUT, longest=TURNS[-1]),
    "code": Pattern(draw=quantiles(CODE), split=Split.HOLDOUT, longest=CODE[-1], room=1.15),
    "pareto": Pattern(draw=pareto(300, 1.1), split=Split.HOLDOUT, longest=2 * LONGEST),
    "three_peaks": Pattern(
        draw=mixture((0.7, lognormal(6.2, 0.3)), (0.22, lognormal(8.3, 0.2)), (0.08, lognormal(10.3, 0.15))),
        split=Split.HOLDOUT,
        longest=2 * LONGEST,
    ),
    "giants": Pattern(draw=giants(3, lognormal(7.2, 0.6)), split=Split.HOLDOUT, longest=2 * LONGEST),
    "slow_pareto": Pattern(draw=pareto(500, 1.3), split=Split.HOLDOUT, longest=2 * LONGEST, slow=True),
}


def draw_lengths(pattern: Pattern, count: int, rng: np.random.Generator) -> Ints:
    """``(N,)`` whole lengths within the pattern's limits."""
    drawn_N = np.rint(pattern.draw(rng, count))
    return np.clip(drawn_N, SHORTEST, pattern.longest).astype(np.int64)
