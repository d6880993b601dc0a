"""The kinds of workload by name, with the values that they are drawn with in each split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaluators.contract import Split
from evaluators.scheduling.transaction_order import workloads
from evaluators.scheduling.transaction_order.workloads import Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One kind of workload: a generator for each Zipf exponent, and the exponents."""

    with_skew: Callable[[float], tuple[Draw, ...]]  # variants, taken in turns
    skew: float  # where the user set none
    skewed: bool = True  # whether the exponent changes anything
    split: Split = Split.SEARCH  # where it belongs, if all are mixed


def _fixed(*draws: Draw) -> Callable[[float], tuple[Draw, ...]]:
    return lambda _: draws


PATTERNS: Mapping[str, Pattern] = {
    "smallbank": Pattern(
        with_skew=lambda skew: (workloads.smallbank(50, skew), workloads.smallbank(120, skew + 0.2)), skew=0.6
    ),
    "tpcc": Pattern(
        with_skew=_fixed(workloads.tpcc(2, 100, (3, 8), 0.1), workloads.tpcc(4, 60, (5, 10), 0.2)),
        skew=0.6,
        skewed=False,
    ),
    "ycsb": Pattern(
        with_skew=lambda skew: (
            workloads.ycsb(2000, skew, (5, 30), 0.5),
            workloads.ycsb(500, max(skew - 0.3, 0.0), (5, 15), 0.5),
            workloads.ycsb(1000, skew + 0.09, (5, 20), 0.2),
        ),
        skew=0.9,
    ),
    "hot_reads": Pattern(
        with_skew=_fixed(
            workloads.hot_keys(10, 400, (5, 15), 0.15, 0.5), workloads.hot_keys(30, 400, (5, 12), 0.08, 0.8)
        ),
        skew=0.0,
        skewed=False,
    ),
    "uniform": Pattern(  # the three shapes of the public task, its keys drawn anew
        with_skew=lambda skew: (
            workloads.ycsb(165, skew, (16, 16), 0.55),
            workloads.ycsb(41, skew, (5, 21), 0.02),
            workloads.ycsb(10, skew, (9, 9), 0.02),
        ),
        skew=0.0,
    ),
    "epinions": Pattern(
        with_skew=lambda skew: (workloads.epinions(40, 30, skew, 0.4), workloads.epinions(20, 60, skew, 0.25)),
        skew=0.7,
        split=Split.HOLDOUT,
    ),
    "taobench": Pattern(
        with_skew=lambda skew: (
            workloads.taobench(100, skew, (8, 30), 0.4),
            workloads.taobench(60, skew, (4, 12), 0.6),
        ),
        skew=0.8,
        split=Split.HOLDOUT,
    ),
    "auction": Pattern(
        with_skew=lambda skew: (workloads.auction(40, skew), workloads.auction(80, skew + 0.3)),
        skew=0.5,
        split=Split.HOLDOUT,
    ),
    "ycsb_long": Pattern(
        with_skew=lambda skew: (
            workloads.ycsb(3000, skew, (12, 36), 0.35),
            workloads.ycsb(800, skew + 0.35, (3, 10), 0.7),
        ),
        skew=0.75,
        split=Split.HOLDOUT,
    ),
}
