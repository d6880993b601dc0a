from __future__ import annotations

import numpy as np
import pytest

from evaluators.scheduling.broadcast.generate import (
    Region,
    distances_km,
    draw_regions,
    network_of,
    price_usd_per_gb,
)
from evaluators.scheduling.broadcast.providers import (
    AS,
    AWS,
    AZURE,
    BOXES,
    EU,
    FITTED,
    GCP,
    NA,
    OC,
    OTHERS,
    Continent,
    Provider,
)


def a_region(provider: Provider, continent: Continent, latitude: float = 40.0, longitude: float = 0.0) -> Region:
    return Region(provider=provider, continent=continent, latitude=latitude, longitude=longitude, dearness=0.5)


@pytest.mark.parametrize(
    ("here", "there", "usd"),
    [
        ((AWS, NA), (AWS, EU), 0.02),
        ((AWS, NA), (GCP, NA), 0.09),
        ((AWS, AS), (AWS, NA), 0.09),
        ((GCP, NA), (GCP, NA), 0.01),
        ((GCP, NA), (GCP, EU), 0.08),
        ((GCP, EU), (GCP, OC), 0.15),  # remote, as whoever sends there
        ((GCP, OC), (GCP, EU), 0.15),
        ((GCP, OC), (GCP, OC), 0.08),
        ((GCP, NA), (AWS, NA), 0.12),
        ((GCP, NA), (AWS, OC), 0.19),
        ((AZURE, EU), (AZURE, EU), 0.02),
        ((AZURE, EU), (AZURE, NA), 0.05),
        ((AZURE, AS), (GCP, NA), 0.12),
    ],
)
def test_prices_are_the_providers_rules(
    here: tuple[Provider, Continent], there: tuple[Provider, Continent], usd: float
) -> None:
    assert price_usd_per_gb(a_region(*here), a_region(*there)) == pytest.approx(usd)


def test_a_region_has_its_place_in_every_range_of_its_tariff() -> None:
    cheap, dear = (
        Region(provider=AWS, continent=AS, latitude=30, longitude=100, dearness=dearness) for dearness in (0.0, 1.0)
    )
    other = a_region(AZURE, EU)
    assert price_usd_per_gb(cheap, dear) == pytest.approx(0.08)
    assert price_usd_per_gb(dear, cheap) == pytest.approx(0.1)
    assert price_usd_per_gb(cheap, other) == pytest.approx(0.1093)
    assert price_usd_per_gb(dear, other) == pytest.approx(0.132)


def test_distances_are_great_circles() -> None:
    places = [
        a_region(AWS, EU, *where) for where in ((0.0, 0.0), (0.0, 180.0), (90.0, 0.0), (51.5, -0.1), (40.7, -74.0))
    ]
    km = distances_km(places)
    assert (np.diag(km) == 0).all()
    assert km[0, 1] == pytest.approx(np.pi * 6371)
    assert km[0, 2] == pytest.approx(np.pi * 6371 / 2)
    assert km[3, 4] == pytest.approx(5570, abs=20)  # London and New York


@pytest.mark.parametrize("provider", [*FITTED.values(), *OTHERS.values()], ids=lambda provider: provider.name)
def test_regions_are_drawn_where_the_provider_has_them_and_links_end_at_the_caps(provider: Provider) -> None:
    regions = draw_regions([provider], 40, np.random.default_rng(1))
    for region in regions:
        (south, north), (west, east) = BOXES[region.continent]
        assert region.continent in provider.regions
        assert south <= region.latitude <= north
        assert west <= region.longitude <= east
    machines = [1, 3] * 20
    network = network_of(regions, machines, 0.5, np.random.default_rng(2))
    off = ~np.eye(40, dtype=bool)
    assert (network.gbps_RR[off] > 0).all()
    assert (network.gbps_RR <= np.minimum(network.egress_gbps_R[:, None], network.ingress_gbps_R) + 1e-9).all()
    assert (network.usd_per_gb_RR[off] >= 0).all()
    assert network.machines_usd_per_h_R.tolist() == [0.5, 1.5] * 20
    assert network.egress_gbps_R[1] == 3 * provider.egress_gbps


def test_rates_fall_with_distance_and_links_count_machines_at_both_ends() -> None:
    near = [a_region(AZURE, EU, 40, 0), a_region(AZURE, EU, 41, 0)]
    far = [a_region(AZURE, EU, 40, 0), a_region(AZURE, OC, -40, 170)]
    rates = [
        np.median([network_of(pair, [2, 5], 1.0, np.random.default_rng(s)).gbps_RR[0, 1] for s in range(50)])
        for pair in (near, far)
    ]
    assert rates[0] == pytest.approx(2 * 16.0)
    assert rates[1] < 0.3 * rates[0]
