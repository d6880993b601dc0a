"""One transfer: a network of cloud regions, what goes from where to where, and what it costs by the hour.

Shapes: R regions. Links and caps are those of all machines of a region together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GBIT_PER_GB = 8.0
SECONDS_PER_H = 3600.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Network:
    """Regions and the links between every two of them."""

    gbps_RR: Floats  # from row to column; positive but for the diagonal
    usd_per_gb_RR: Floats  # price of a GB sent from row to column; 0 on the diagonal
    egress_gbps_R: Floats  # what a region can send in all
    ingress_gbps_R: Floats  # what it can receive in all
    machines_usd_per_h_R: Floats  # price of the region's machines while the transfer lasts

    @property
    def regions(self) -> int:
        """How many there are."""
        return len(self.egress_gbps_R)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Transfer:
    """A data set in equal partitions, from one region to several."""

    network: Network
    source: int
    destinations: tuple[int, ...]  # distinct, without the source
    volume_gb: float
    partitions: int
    time_usd_per_h: float  # what it costs whoever waits for the last byte

    @property
    def partition_gb(self) -> float:
        """Size of one partition."""
        return self.volume_gb / self.partitions

    @property
    def relays(self) -> tuple[int, ...]:
        """Regions that are neither source nor destination: a tree may pass through them."""
        ends = {self.source, *self.destinations}
        return tuple(region for region in range(self.network.regions) if region not in ends)
