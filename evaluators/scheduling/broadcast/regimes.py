"""The kinds of transfers that the suite is made of."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.scheduling.broadcast.providers import (
    AS,
    AWS,
    AZURE,
    EU,
    FLAT,
    GCP,
    NA,
    OC,
    OPEN,
    SA,
    ZONED,
    Continent,
    Provider,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A kind of transfer; where there are several values, instances have them in turns."""

    name: str
    providers: tuple[Provider, ...]
    clouds: int  # how many of the providers a network has, drawn anew for each
    continents: tuple[Continent, ...] = ()  # none: wherever the provider has its regions
    regions: tuple[int, ...]
    destinations: tuple[int, ...]
    partitions: tuple[int, ...] = (10, 8)
    volumes_gb: tuple[float, ...] = (300.0, 300.0, 100.0)
    machines: tuple[int, ...] = (2,)  # of a region, drawn
    time_usd_per_h: tuple[float, ...]


_FITTED = (AWS, GCP, AZURE)
_OTHERS = (FLAT, ZONED, OPEN)
SEARCH_REGIMES = (
    Regime(
        name="one_cloud",
        providers=_FITTED,
        clouds=1,
        continents=(NA, EU, AS),
        regions=(10, 12),
        destinations=(4, 5, 6),
        time_usd_per_h=(0.0, 100.0, 400.0, 1000.0),
    ),
    Regime(
        name="continents",
        providers=(AWS, GCP),
        clouds=1,
        continents=(NA, EU, AS, OC, SA),
        regions=(12, 14),
        destinations=(5, 6),
        time_usd_per_h=(0.0, 100.0, 400.0, 1000.0),
    ),
    Regime(
        name="clouds",
        providers=_FITTED,
        clouds=3,
        regions=(12, 15),
        destinations=(5, 6),
        time_usd_per_h=(0.0, 100.0, 400.0, 1000.0),
    ),
    Regime(
        name="many",
        providers=_FITTED,
        clouds=3,
        regions=(15, 16),
        destinations=(10, 12),
        time_usd_per_h=(0.0, 100.0, 400.0, 1000.0),
    ),
    Regime(
        name="scarce",
        providers=_FITTED,
        clouds=3,
        continents=(NA, EU, AS),
        regions=(12, 14),
        destinations=(4, 6),
        machines=(1, 1, 2, 4),
        time_usd_per_h=(1000.0, 2000.0, 4000.0),
    ),
)
HOLDOUT_REGIMES = (
    Regime(
        name="other_cloud",
        providers=_OTHERS,
        clouds=1,
        regions=(11, 13),
        destinations=(4, 7),
        partitions=(6, 16),
        volumes_gb=(50.0, 500.0),
        time_usd_per_h=(20.0, 200.0, 800.0),
    ),
    Regime(
        name="other_clouds",
        providers=_OTHERS,
        clouds=3,
        regions=(14, 18),
        destinations=(4, 7),
        partitions=(6, 16),
        volumes_gb=(500.0, 1000.0),
        time_usd_per_h=(0.0, 200.0, 800.0),
    ),
    Regime(
        name="relays",
        providers=(*_FITTED, *_OTHERS),
        clouds=4,
        regions=(24,),
        destinations=(3,),
        partitions=(4, 32),
        volumes_gb=(200.0, 1000.0),
        time_usd_per_h=(50.0, 600.0, 2000.0),
    ),
    Regime(
        name="crowd",
        providers=(*_FITTED, *_OTHERS),
        clouds=3,
        regions=(18, 20),
        destinations=(14,),
        partitions=(12, 20),
        volumes_gb=(50.0, 500.0),
        machines=(2, 3),
        time_usd_per_h=(0.0, 200.0, 1500.0),
    ),
    Regime(
        name="starved",
        providers=_FITTED,
        clouds=2,
        regions=(10, 16),
        destinations=(3, 8),
        partitions=(12, 32),
        volumes_gb=(200.0, 1000.0),
        machines=(1, 2, 6),
        time_usd_per_h=(3000.0, 6000.0),
    ),
)
# What a measured network can be played in: regimes that differ by more than their providers and places.
ON_A_GRID = frozenset({"clouds", "many", "scarce", "relays", "crowd", "starved"})
# Small transfers at the edges of the contract, so that a branch that only they take does not rot unseen.
EDGES = (
    Regime(  # no relays at all
        name="no_relay",
        providers=_FITTED,
        clouds=3,
        regions=(6,),
        destinations=(5,),
        partitions=(4,),
        time_usd_per_h=(100.0,),
    ),
    Regime(  # one tree for everything
        name="one_partition",
        providers=_FITTED,
        clouds=2,
        regions=(7,),
        destinations=(3,),
        partitions=(1,),
        time_usd_per_h=(50.0,),
    ),
    Regime(  # no wait to pay for, and more partitions than trees
        name="free_time",
        providers=_FITTED,
        clouds=1,
        regions=(5,),
        destinations=(3,),
        partitions=(20,),
        time_usd_per_h=(0.0,),
    ),
    Regime(  # a single destination is worth several ways
        name="one_destination",
        providers=_FITTED,
        clouds=2,
        regions=(6,),
        destinations=(1,),
        partitions=(8,),
        machines=(1, 4),
        time_usd_per_h=(5000.0,),
    ),
    Regime(
        name="scarce",
        providers=_FITTED,
        clouds=3,
        regions=(8,),
        destinations=(4,),
        partitions=(6,),
        machines=(1, 3),
        time_usd_per_h=(2000.0,),
    ),
)
