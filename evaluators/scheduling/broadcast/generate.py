"""Networks drawn anew: regions on the globe, links by distance, prices by the providers' rules.

Shapes: R regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.broadcast.providers import BOXES, Continent, Provider, Range, Speed
from evaluators.scheduling.broadcast.transfer import Floats, Network

EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region as it was drawn."""

    provider: Provider
    continent: Continent
    latitude: float  # degrees
    longitude: float
    dearness: float  # 0 .. 1, its place in the ranges of its tariff


def draw_regions(
    providers: Sequence[Provider], count: int, rng: np.random.Generator, continents: Sequence[Continent] = ()
) -> list[Region]:
    """`count` regions, the providers in turns, places in proportion to where each has its regions.

    `continents`, where given, are the only ones, each as likely as any other that the provider is on.
    """
    drawn = []
    for index in range(count):
        provider = providers[index % len(providers)]
        shares = {place: 1.0 for place in continents if place in provider.regions} or dict(provider.regions)
        weights = np.array(list(shares.values()))
        place = list(shares)[int(rng.choice(len(shares), p=weights / weights.sum()))]
        (south, north), (west, east) = BOXES[place]
        latitude, longitude = rng.uniform(south, north), rng.uniform(west, east)
        drawn.append(
            Region(provider=provider, continent=place, latitude=latitude, longitude=longitude, dearness=rng.uniform())
        )
    return [drawn[int(index)] for index in rng.permutation(count)]


def network_of(
    regions: Sequence[Region], machines_R: Sequence[int], machine_usd_per_h: float, rng: np.random.Generator
) -> Network:
    """The links, prices and caps of drawn regions that rent so many machines each; `rng` draws the links' noise."""
    machines = np.array(machines_R, dtype=np.float64)
    pair_RR = gbps_of_pairs(regions, distances_km(regions), rng)
    return Network(
        gbps_RR=pair_RR * np.minimum(machines[:, None], machines),
        usd_per_gb_RR=np.array([[price_usd_per_gb(here, there) for there in regions] for here in regions]),
        egress_gbps_R=machines * [region.provider.egress_gbps for region in regions],
        ingress_gbps_R=machines * [region.provider.ingress_gbps for region in regions],
        machines_usd_per_h_R=machines * machine_usd_per_h,
    )


def distances_km(regions: Sequence[Region]) -> Floats:
    """Great circles, ``(R, R)``."""
    latitude = np.radians([region.latitude for region in regions])
    longitude = np.radians([region.longitude for region in regions])
    across = np.sin((longitude[:, None] - longitude) / 2) ** 2 * np.cos(latitude[:, None]) * np.cos(latitude)
    half = np.sin((latitude[:, None] - latitude) / 2) ** 2 + across
    kilometres: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return kilometres


def gbps_of_pairs(regions: Sequence[Region], km_RR: Floats, rng: np.random.Generator) -> Floats:
    """Gbit/s between one machine here and one there, ``(R, R)``, 0 on the diagonal."""
    noise_RR = rng.standard_normal(km_RR.shape)
    gbps_RR = np.zeros_like(km_RR)
    for i, here in enumerate(regions):
        for j, there in enumerate(regions):
            if i != j:
                speed = _speed(here, there)
                rate = speed.near_gbps * 0.5 ** (km_RR[i, j] / speed.halving_km) * np.exp(speed.sigma * noise_RR[i, j])
                gbps_RR[i, j] = min(rate, here.provider.egress_gbps, there.provider.ingress_gbps)
    return gbps_RR


def _speed(here: Region, there: Region) -> Speed:
    return here.provider.inside if here.provider.name == there.provider.name else here.provider.across


def price_usd_per_gb(here: Region, there: Region) -> float:
    """What the provider of `here` charges for a GB sent to `there`; nothing for the region itself."""
    if here is there:
        return 0.0
    provider, tariff = here.provider, here.provider.tariffs[here.continent]
    own = provider.name == there.provider.name
    same_place = here.continent is there.continent
    if own and same_place:
        return _between(tariff.within, here.dearness)
    usd = _between(tariff.between if own else tariff.out, here.dearness)
    if there.continent in provider.remote or (own and here.continent in provider.remote):
        return max(usd, provider.remote_usd[0 if own else 1])
    return usd


def _between(ends: Range, share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share
