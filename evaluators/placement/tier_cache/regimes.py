"""The kinds of scenario: which routers, machines, hints and capacities come together, and which are held out.

The scenarios of a regime take one value of each tuple in turn. Times are those of an expert's bytes over a link and
from GPU memory: with 22 GB/s (PCIe 4), 45 (PCIe 5) or 400 (a coherent link between CPU and GPU), 1 to 3 TB/s, and
experts of 2.4 MB (int4) to 12.6 MB (bf16), rounded.
"""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, int, int]  # layers, experts, top_k
Speed = tuple[int, int, int]  # load_us, dense_us, expert_us

SEARCH_SHAPES: tuple[Shape, ...] = ((8, 64, 8), (12, 32, 4), (16, 60, 4))
HOLDOUT_SHAPES: tuple[Shape, ...] = ((6, 128, 8), (20, 16, 2), (10, 96, 6), (32, 8, 2))
SMOKE_SHAPES: tuple[Shape, ...] = ((2, 4, 2), (1, 6, 1), (3, 8, 3), (4, 16, 4))
SLOW: Speed = (280, 40, 6)  # 12.6 MB over PCIe 5
MIDDLE: Speed = (143, 60, 4)  # 3.1 MB over PCIe 4
FAST: Speed = (70, 60, 4)  # 3.1 MB over PCIe 5
FASTEST: Speed = (32, 40, 6)  # 12.6 MB over 400 GB/s
HELD_SLOW: Speed = (573, 60, 13)  # 12.6 MB over PCIe 4
HELD_MIDDLE: Speed = (107, 50, 3)  # 2.4 MB over PCIe 4
HELD_FASTEST: Speed = (24, 35, 5)  # 9.4 MB over 400 GB/s


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A stratum of the suite; every tuple is gone through in turns."""

    name: str
    patterns: tuple[str, ...]
    shapes: tuple[Shape, ...]
    speeds: tuple[Speed, ...]
    capacities: tuple[float, ...]  # percent of all experts
    tokens: tuple[int, ...] = (1,)
    hints: tuple[float, ...] = (0.0,)
    lookaheads: tuple[int, ...] = (0,)


SEARCH = (
    Regime(
        name="popular",
        patterns=("popular",),
        shapes=SEARCH_SHAPES,
        speeds=(MIDDLE, SLOW, FAST, FASTEST),
        capacities=(25.0, 12.5, 50.0),
    ),
    Regime(
        name="sticky",
        patterns=("sticky",),
        shapes=SEARCH_SHAPES[::-1],
        speeds=(FAST, MIDDLE, FASTEST, SLOW),
        capacities=(12.5, 25.0, 50.0),
    ),
    Regime(
        name="recurring",
        patterns=("recurring",),
        shapes=SEARCH_SHAPES,
        speeds=(FAST, MIDDLE, SLOW, FASTEST),
        capacities=(25.0, 50.0, 12.5),
    ),
    Regime(
        name="chained",
        patterns=("chained",),
        shapes=SEARCH_SHAPES[::-1],
        speeds=(FASTEST, FAST, MIDDLE),
        capacities=(25.0, 12.5, 50.0),
    ),
    Regime(
        name="hinted",
        patterns=("popular", "chained", "sticky"),
        shapes=SEARCH_SHAPES,
        speeds=(FASTEST, FAST, MIDDLE),
        capacities=(12.5, 25.0, 50.0, 25.0),
        hints=(0.8, 0.95, 0.6, 0.8),
    ),
    Regime(
        name="batched",
        patterns=("popular", "sticky"),
        shapes=SEARCH_SHAPES,
        speeds=(FAST, FASTEST, MIDDLE),
        capacities=(50.0, 25.0),
        tokens=(4, 3),
        hints=(0.8, 0.0, 0.6),
    ),
    Regime(
        name="pregated",
        patterns=("popular", "recurring", "sticky"),
        shapes=SEARCH_SHAPES,
        speeds=(MIDDLE, FASTEST, FAST, SLOW),
        capacities=(12.5, 25.0),
        lookaheads=(8, 4, 32, 16),
    ),
)
HOLDOUT = (
    Regime(
        name="drifting",
        patterns=("drifting",),
        shapes=HOLDOUT_SHAPES,
        speeds=(HELD_MIDDLE, HELD_FASTEST, HELD_SLOW),
        capacities=(20.0, 40.0, 10.0),
        hints=(0.0, 0.7),
    ),
    Regime(
        name="skewed",
        patterns=("skewed",),
        shapes=HOLDOUT_SHAPES[::-1],
        speeds=(HELD_SLOW, HELD_FASTEST, HELD_MIDDLE),
        capacities=(15.0, 30.0),
    ),
    Regime(
        name="recurring_hinted",
        patterns=("recurring",),
        shapes=HOLDOUT_SHAPES,
        speeds=(HELD_FASTEST, HELD_MIDDLE),
        capacities=(30.0, 15.0, 60.0),
        hints=(0.9, 0.7),
    ),
    Regime(
        name="wide",
        patterns=("popular", "chained", "sticky"),
        shapes=HOLDOUT_SHAPES[:1],
        speeds=(HELD_MIDDLE, HELD_FASTEST, HELD_SLOW),
        capacities=(35.0, 18.0),
    ),
    Regime(
        name="batched_more",
        patterns=("sticky", "skewed"),
        shapes=HOLDOUT_SHAPES,
        speeds=(HELD_FASTEST, HELD_MIDDLE),
        capacities=(60.0, 40.0),
        tokens=(8, 2),
        hints=(0.0, 0.9),
    ),
    Regime(
        name="pregated_batch",
        patterns=("drifting", "skewed", "popular"),
        shapes=HOLDOUT_SHAPES[::-1],
        speeds=(HELD_FASTEST, HELD_MIDDLE, HELD_SLOW),
        capacities=(40.0, 25.0),
        tokens=(2,),
        lookaheads=(24, 6, 64),
    ),
)
SMOKE = (
    Regime(
        name="smoke",
        patterns=("popular", "sticky", "chained"),
        shapes=SMOKE_SHAPES,
        speeds=(FAST, SLOW, FASTEST),
        capacities=(50.0, 70.0, 30.0),
        tokens=(1, 2),
        hints=(0.0, 0.8, 1.0),
        lookaheads=(0, 3, 0),
    ),
)
