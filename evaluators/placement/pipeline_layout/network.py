"""Devices and the links between them.

Shapes: D devices. Rows send, columns receive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Network:
    """What there is to train on."""

    tflops_D: Floats  # sustained, 10^12 operations per second
    memory_D: Floats  # GB
    latency_DD: Floats  # seconds; 0 from a device to itself
    rate_DD: Floats  # GB/s, positive off the diagonal; infinite from a device to itself

    @property
    def num_devices(self) -> int:
        """D."""
        return len(self.tflops_D)

    def shuffled(self, rng: np.random.Generator) -> Network:
        """The same devices in another order."""
        order = rng.permutation(self.num_devices)
        return Network(
            tflops_D=self.tflops_D[order],
            memory_D=self.memory_D[order],
            latency_DD=self.latency_DD[np.ix_(order, order)],
            rate_DD=self.rate_DD[np.ix_(order, order)],
        )


def by_site(site_D: Ints, tflops_D: Floats, memory_D: Floats, latency_SS: Floats, rate_SS: Floats) -> Network:
    """The network of devices at sites, of which links have the latency and rate; the diagonal is within a site."""
    latency_DD, rate_DD = latency_SS[np.ix_(site_D, site_D)], rate_SS[np.ix_(site_D, site_D)]
    np.fill_diagonal(latency_DD, 0.0)
    np.fill_diagonal(rate_DD, np.inf)
    return Network(tflops_D=tflops_D, memory_D=memory_D, latency_DD=latency_DD, rate_DD=rate_DD)
