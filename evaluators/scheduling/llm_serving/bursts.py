"""The arrivals of a bursty service: blocks of recorded bursts drawn with replacement.

Source: bursts of Azure's code trace of November 2023 (Patel et al., "Splitwise", ISCA 2024; CC-BY 4.0), split where
nobody asks for 5 s: how many requests, over how many seconds, and the pause after. Runs of consecutive bursts are drawn
(a block bootstrap: Künsch, Annals of Statistics 17, 1989), so that large bursts follow each other as often as recorded.
Within a burst, gaps are drawn from their quantiles and stretched to its length.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

RUN = 6  # consecutive bursts that are drawn together

# fmt: off
# (requests, seconds, seconds of the pause after) of each burst; the last pause, which was cut off, is the mean
_BURSTS = (
    (12, 1.4, 28.1), (51, 9.8, 143.7), (201, 22.6, 8.1), (330, 22.3, 25.1), (144, 23.9, 8.1), (124, 19.5, 23.6),
    (49, 9.4, 38.5), (15, 1.8, 36.4), (42, 6.4, 87.3), (38, 8.1, 33.4), (476, 28.3, 16.4), (327, 26.7, 7.0),
    (76, 9.7, 10.3), (18, 3.2, 6.8), (63, 9.9, 173.5), (583, 36.5, 8.4), (74, 8.9, 5.8), (274, 25.3, 138.7),
    (292, 43.0, 12.2), (156, 17.6, 29.7), (283, 23.6, 5.4), (116, 11.5, 65.5), (78, 9.7, 40.1), (155, 24.2, 7.6),
    (193, 22.8, 13.3), (356, 26.8, 6.7), (198, 23.2, 23.1), (98, 12.8, 7.6), (39, 5.5, 82.8), (128, 14.7, 28.1),
    (111, 15.5, 40.3), (253, 19.6, 17.6), (191, 19.0, 19.5), (196, 26.5, 14.7), (118, 15.5, 49.1), (70, 8.1, 10.3),
    (99, 19.8, 40.2), (54, 9.6, 14.9), (245, 25.1, 20.5), (137, 16.9, 10.1), (58, 11.9, 14.5), (100, 11.3, 93.8),
    (342, 45.9, 50.8), (337, 27.6, 43.3), (38, 3.7, 23.2), (153, 23.5, 123.4), (130, 18.3, 22.3), (80, 9.3, 8.2),
    (268, 21.7, 70.2), (99, 15.2, 168.4), (32, 6.1, 217.2), (97, 13.0, 45.9), (106, 16.6, 7.9), (106, 15.2, 44.6),
    (22, 2.8, 78.4), (62, 6.7, 39.1), (83, 14.6, 55.3), (243, 22.9, 43.2),
)
# fmt: on
_QUANTILES = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1)
_GAPS_S = (  # between the requests of a burst
    *(6e-6, 2.2e-5, 8.8e-5, 2e-4, 1.17e-3, 3.25e-3, 0.014, 0.062, 0.0948),
    *(0.1, 0.151, 0.248, 0.3925, 0.614, 0.939, 3.53, 4.0),
)


def burst_times(rng: np.random.Generator, count: int) -> Floats:
    """Seconds at which the first `count` requests of an endless stream of bursts come, from 0 on."""
    times: list[Floats] = []
    drawn, now = 0, 0.0
    while drawn < count:
        first = int(rng.integers(len(_BURSTS)))
        for place in range(first, first + RUN):
            size, seconds, pause_s = _BURSTS[place % len(_BURSTS)]
            times.append(now + _within(rng, size, seconds))
            now += seconds + pause_s
            drawn += size
    return np.concatenate(times)[:count]


def _within(rng: np.random.Generator, size: int, seconds: float) -> Floats:
    gaps = np.interp(rng.uniform(size=size - 1), _QUANTILES, _GAPS_S)
    within: Floats = np.concatenate([[0.0], np.cumsum(gaps)]) * (seconds / gaps.sum())
    return within
