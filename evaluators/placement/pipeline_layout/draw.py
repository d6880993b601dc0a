"""Networks as they are rented, lent or owned, and the job that is to run on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Floats, Network, by_site

GBIT = 0.125  # GB
# sustained TFLOP/s (about 45 % of the peak in half precision) and GB, of cards that are rented
T4, V100, A10, A100, H100 = (30.0, 16.0), (55.0, 32.0), (55.0, 24.0), (140.0, 80.0), (400.0, 80.0)
L4, RTX3090, RTX4090, V100_16 = (50.0, 24.0), (32.0, 24.0), (75.0, 24.0), (55.0, 16.0)
JOB_LAYERS, JOB_HIDDEN = (24, 32, 40), (1536, 2048, 2560)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """What networks of a kind have in common. Sites stand in regions; links are slower the further they go."""

    name: str
    devices: tuple[int, int]
    sites: int
    regions: int
    cards: tuple[tuple[float, float], ...]  # TFLOP/s and GB; a site has one kind, unless `scattered`
    gbit: tuple[float, float, float]  # within a site, within a region, between regions
    latency_ms: tuple[float, float, float]
    micro_batches: tuple[int, ...] = (64, 128, 256)
    scattered: bool = False  # every device has a card of its own
    spread: float = 0.25  # of the logarithm of rates between sites, and latencies
    uneven: float = 0.0  # of the logarithm of speeds
    upload: float = 1.0  # what sending is of receiving, between sites


def draw_job(regime: Regime, sequence: int, rng: np.random.Generator) -> Job:
    """A model and a batch."""
    return Job(
        layers=int(rng.choice(JOB_LAYERS)),
        hidden=int(rng.choice(JOB_HIDDEN)),
        sequence=sequence,
        micro_batches=int(rng.choice(regime.micro_batches)),
    )


def draw_network(regime: Regime, rng: np.random.Generator) -> Network:
    """Devices dealt to sites, links by distance, all in no order."""
    number = int(rng.integers(regime.devices[0], regime.devices[1] + 1))
    sites = min(regime.sites, number)
    site_D = np.concatenate([np.arange(sites), rng.integers(0, sites, number - sites)])
    kind_D = rng.integers(0, len(regime.cards), number)
    if not regime.scattered:
        kind_D = rng.integers(0, len(regime.cards), sites)[site_D]
    cards = np.array(regime.cards)[kind_D]
    tflops_D = cards[:, 0] * np.exp(regime.uneven * rng.standard_normal(number))
    rate_SS, latency_SS = _links(regime, sites, rng)
    return by_site(site_D, tflops_D, cards[:, 1], latency_SS, rate_SS).shuffled(rng)


def _links(regime: Regime, sites: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """GB/s and seconds between sites and, on the diagonal, within."""
    region_S = np.concatenate([np.arange(regime.regions), rng.integers(0, regime.regions, sites)])[:sites]
    far_SS = 1 + (region_S[:, None] != region_S).astype(np.int64)
    np.fill_diagonal(far_SS, 0)
    rate_SS = np.array(regime.gbit)[far_SS] * GBIT * _alike(regime.spread, sites, rng)
    latency_SS = np.array(regime.latency_ms)[far_SS] / 1000 * _alike(regime.spread, sites, rng)
    sending_S = np.where(rng.random(sites) < 0.5, regime.upload, 1.0)
    rate_SS *= np.where(far_SS > 0, sending_S[:, None], 1.0)
    return rate_SS, latency_SS


def _alike(spread: float, sites: int, rng: np.random.Generator) -> Floats:
    """Lognormal factors, the same for both directions of a link."""
    drawn = np.triu(rng.standard_normal((sites, sites)))
    factors: Floats = np.exp(spread * (drawn + np.triu(drawn, 1).T))
    return factors
