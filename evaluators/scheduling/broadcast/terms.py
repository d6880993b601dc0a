"""The words of the contract: the text a program is written from, and the metrics that are reported."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec

_DESCRIPTION = """\
A data set lies in one cloud region and is wanted in several others. It is cut into P equal partitions; each travels
along a tree of links between regions, from the source to every destination. Trees may pass through other regions
(relays), and those of different partitions may differ. The transfer shall cost little.

`plan(transfer)` is called once per transfer. `transfer` is a dict:
- source: int; destinations: int64[D]; regions: int, R; partitions: int, P; volume_gb: float, of all partitions
  together;
- gbps: float64[R, R], capacity of the link from row to column in Gbit/s, shared by all partitions on it; 0 on the
  diagonal;
- usd_per_gb: float64[R, R], price of a GB from row to column, paid for each partition on the link;
- egress_gbps, ingress_gbps: float64[R], what a region can send and receive in all, over all its links;
- machines_usd_per_h: float64[R], price of a region's machines: paid while the transfer lasts, for the source and for
  every region that any partition passes; time_usd_per_h: float, what an hour of the transfer costs beside; seed: int.
Returns int64[P, R]: for each partition the parent of each region in its tree; -1 for the source and for regions that
the tree does not pass. Every destination must have a parent, and every region with a parent must be reached from the
source.

All partitions flow at once and are sent on as they arrive, so the transfer lasts T = the largest of: 8 * GB on a link /
its gbps, 8 * GB sent by a region / its egress_gbps, 8 * GB received / ingress_gbps, in seconds. Cost = sum over
partitions and links of GB * usd_per_gb, plus T in hours * (machines of all regions used + time_usd_per_h). The score
is 0 at the cost of sending every partition from the source straight to every destination, 1 at a proven lower bound,
at least -1. CPU time is limited, not charged.

Unless set up otherwise there are 10 to 24 regions, 3 to 14 destinations, 4 to 32 partitions and 50 to 1000 GB (in the
tier smoke down to 5 regions, 1 destination and 1 partition); time_usd_per_h is 0 to 6000: egress decides some
transfers, time others.
"""
PLAN = EntryPoint(name="plan", signature="plan(transfer: dict) -> int64[partitions, regions]", description=_DESCRIPTION)


_UP, _DOWN = Direction.MAXIMIZE, Direction.MINIMIZE
METRICS = (
    MetricSpec("score", "1", _UP, "(C_direct - C) / (C_direct - C_bound): 0 straight to each destination, 1 the bound"),
    MetricSpec("cost_usd", "USD", _DOWN, "cost of the transfer (C): egress, machines, and the wait"),
    MetricSpec("bound_usd", "USD", _DOWN, "proven lower bound of the cost (C_bound); no program's doing"),
    MetricSpec("cost_over_bound", "1", _DOWN, "C / C_bound"),
    MetricSpec("saving", "1", _UP, "1 - C / C_direct"),
    MetricSpec("transfer_usd", "USD", _DOWN, "egress and machines without the wait: what the public evaluator counts"),
    MetricSpec("egress_usd", "USD", _DOWN, "egress alone"),
    MetricSpec("egress_share", "1", _UP, "egress over C"),
    MetricSpec("time_s", "s", _DOWN, "how long the transfer lasts (T)"),
    MetricSpec("time_over_direct", "1", _DOWN, "T over that of sending straight to each destination"),
    MetricSpec("relays", "1", _DOWN, "relays that a partition passes, mean over partitions"),
    MetricSpec("depth", "1", _DOWN, "links on the way to a destination, mean over destinations and partitions"),
    MetricSpec("distinct_trees", "1", _DOWN, "different trees over partitions"),
)
