"""Cloud providers: where their regions are, what they charge for traffic, and how fast their links are.

The three of `FITTED` follow the grid that the Skyplane project measured and collected in 2022 (64 regions, 4,032
pairs): prices are its rules, throughput a line in the logarithm fitted to it. `python -m benchmarks.broadcast_fit`
compares both. Those of `OTHERS` are made up; the hold-out has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Range = tuple[float, float]


class Continent(StrEnum):
    """Where a region is."""

    NORTH_AMERICA = "north_america"
    EUROPE = "europe"
    ASIA = "asia"
    OCEANIA = "oceania"
    SOUTH_AMERICA = "south_america"
    AFRICA = "africa"
    MIDDLE_EAST = "middle_east"


NA, EU, AS, OC, SA, AF, ME = Continent
# Latitudes and longitudes between which regions are drawn.
BOXES: Mapping[Continent, tuple[Range, Range]] = {
    NA: ((33.0, 47.0), (-122.0, -73.0)),
    EU: ((45.0, 60.0), (-6.0, 25.0)),
    AS: ((1.0, 37.0), (73.0, 140.0)),
    OC: ((-38.0, -33.0), (145.0, 151.0)),
    SA: ((-34.0, -23.0), (-71.0, -46.0)),
    AF: ((-34.0, -1.0), (18.0, 37.0)),
    ME: ((24.0, 32.0), (35.0, 56.0)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """USD per GB that leaves a region; each region has one place of its own between the ends of all its ranges."""

    within: Range  # to the same provider on the same continent
    between: Range  # to the same provider elsewhere
    out: Range  # to other providers


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Gbit/s of a pair of machines: lognormal around a value that halves with distance."""

    near_gbps: float
    halving_km: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One cloud. A link's rate ends at what one machine can send and the other receive."""

    name: str
    egress_gbps: float  # of a machine
    ingress_gbps: float
    inside: Speed  # to its own regions
    across: Speed  # to others'
    regions: Mapping[Continent, float]  # how many of its regions are where, in proportion
    tariffs: Mapping[Continent, Tariff]
    remote: frozenset[Continent] = frozenset()  # traffic that comes from or goes to these
    remote_usd: tuple[float, float] = (0.0, 0.0)  # costs at least so much, to its own regions and to others'


def _flat(inside: float, out: float) -> Tariff:
    return Tariff(within=(inside, inside), between=(inside, inside), out=(out, out))


def _zone(within: float, between: float, out: float) -> Tariff:
    return Tariff(within=(within, within), between=(between, between), out=(out, out))


AWS = Provider(
    name="aws",
    egress_gbps=5.0,
    ingress_gbps=10.0,
    inside=Speed(near_gbps=6.68, halving_km=9828, sigma=0.228),
    across=Speed(near_gbps=5.68, halving_km=15383, sigma=0.156),
    regions={NA: 5, EU: 6, AS: 7, OC: 1, SA: 1, AF: 1, ME: 1},
    tariffs={
        NA: _flat(0.02, 0.09),
        EU: _flat(0.02, 0.09),
        AS: Tariff(within=(0.08, 0.1), between=(0.08, 0.1), out=(0.1093, 0.132)),
        OC: _flat(0.098, 0.114),
        SA: _flat(0.138, 0.15),
        AF: _flat(0.147, 0.154),
        ME: _flat(0.1105, 0.117),
    },
)
GCP = Provider(
    name="gcp",
    egress_gbps=7.0,
    ingress_gbps=16.0,
    inside=Speed(near_gbps=7.74, halving_km=10825, sigma=0.269),
    across=Speed(near_gbps=7.84, halving_km=8287, sigma=0.358),
    regions={NA: 7, EU: 7, AS: 9, OC: 2, SA: 2},
    tariffs={
        NA: _zone(0.01, 0.08, 0.12),
        EU: _zone(0.02, 0.08, 0.12),
        AS: Tariff(within=(0.05, 0.05), between=(0.08, 0.08), out=(0.12, 0.147)),
        OC: _zone(0.08, 0.15, 0.19),
        SA: _zone(0.08, 0.08, 0.12),
    },
    remote=frozenset({OC}),
    remote_usd=(0.15, 0.19),
)
AZURE = Provider(
    name="azure",
    egress_gbps=16.0,
    ingress_gbps=16.0,
    inside=Speed(near_gbps=22.31, halving_km=6180, sigma=0.251),
    across=Speed(near_gbps=11.64, halving_km=5323, sigma=0.505),
    regions={NA: 7, EU: 5, AS: 2, OC: 1},
    tariffs={
        NA: _zone(0.02, 0.05, 0.0875),
        EU: _zone(0.02, 0.05, 0.0875),
        AS: _flat(0.08, 0.12),
        OC: _flat(0.08, 0.12),
    },
)
FITTED: Mapping[str, Provider] = {provider.name: provider for provider in (AWS, GCP, AZURE)}

FLAT = Provider(  # one price for all it carries itself
    name="flat",
    egress_gbps=8.0,
    ingress_gbps=8.0,
    inside=Speed(near_gbps=9.0, halving_km=12000, sigma=0.3),
    across=Speed(near_gbps=7.0, halving_km=9000, sigma=0.3),
    regions={NA: 3, EU: 4, AS: 3, SA: 1, ME: 1},
    tariffs={place: _flat(0.012, 0.06) for place in (NA, EU, AS, SA, ME)},
)
ZONED = Provider(  # free at home, dear over the oceans
    name="zoned",
    egress_gbps=10.0,
    ingress_gbps=20.0,
    inside=Speed(near_gbps=16.0, halving_km=7000, sigma=0.3),
    across=Speed(near_gbps=9.0, halving_km=6000, sigma=0.4),
    regions={NA: 4, EU: 4, AS: 4, OC: 1, AF: 1},
    tariffs={
        NA: _zone(0.0, 0.06, 0.1),
        EU: _zone(0.0, 0.045, 0.1),
        AS: Tariff(within=(0.02, 0.04), between=(0.09, 0.13), out=(0.14, 0.17)),
        OC: _zone(0.03, 0.12, 0.16),
        AF: _zone(0.03, 0.14, 0.18),
    },
)
OPEN = Provider(  # as cheap to leave as to stay, and slow
    name="open",
    egress_gbps=4.0,
    ingress_gbps=8.0,
    inside=Speed(near_gbps=4.5, halving_km=9000, sigma=0.25),
    across=Speed(near_gbps=4.0, halving_km=8000, sigma=0.35),
    regions={NA: 3, EU: 3, AS: 3, SA: 1},
    tariffs={
        NA: _flat(0.0085, 0.0085),
        EU: _flat(0.0085, 0.0085),
        AS: _flat(0.025, 0.025),
        SA: _flat(0.05, 0.05),
    },
)
OTHERS: Mapping[str, Provider] = {provider.name: provider for provider in (FLAT, ZONED, OPEN)}
