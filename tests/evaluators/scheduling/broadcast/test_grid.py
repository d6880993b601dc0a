from __future__ import annotations

import gzip
import os
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from benchmarks.broadcast_fit import pairs_drawn, pairs_of_grid, statistics
from evaluators.contract import ContractError, Split, Tier
from evaluators.scheduling.broadcast.grid import Grid, read_grid
from evaluators.scheduling.broadcast.measured import network_from_grid, sources
from evaluators.scheduling.broadcast.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed

HEADER = "src_region,dst_region,gbps,usd_per_gb\n"
NAMES = ("aws:a", "aws:b", "azure:c", "gcp:d", "gcp:e", "gcp:f", "azure:g", "aws:h", "gcp:i", "aws:j")


def rows(names: tuple[str, ...] = NAMES) -> list[str]:
    """Every pair; prices differ by what the sender is, the first pair of each two providers dearest."""
    rng = np.random.default_rng(0)
    return [f"{a},{b},{rng.uniform(1, 5):.3f},{0.02 if a[:2] == b[:2] else 0.09}" for a, b in permutations(names, 2)]


def written(folder: Path, lines: list[str], header: str = HEADER) -> str:
    path = folder / "grid.csv"
    path.write_text(header + "\n".join(lines) + "\n")
    return str(path)


def read(path: str) -> Grid:
    return read_grid(str(PROBLEM.configured({"grid": path}).task.parameters["grid"]))


def test_a_grid_is_read_as_it_is_gzipped_or_not(tmp_path: Path) -> None:
    path = written(tmp_path, ["aws:a,aws:b,2.5,0.02", "aws:b,aws:a,3,0", "aws:a,gcp:c,1,0.09", "gcp:c,aws:a,4,0.12",
                              "aws:b,gcp:c,2,0.1", "gcp:c,aws:b,5,0.12"])  # fmt: skip
    zipped = tmp_path / "grid.csv.gz"
    zipped.write_bytes(gzip.compress(Path(path).read_bytes()))
    settings = {"regions": "3", "destinations": "2"}
    for file in (path, str(zipped)):
        value = str(PROBLEM.configured({"grid": file, **settings}).task.parameters["grid"])
        grid = read_grid(value)
        assert grid.names == ("aws:a", "aws:b", "gcp:c")
        assert grid.providers == ("aws", "aws", "gcp")
        assert grid.gbps_RR.tolist() == [[0, 2.5, 1], [3, 0, 2], [4, 5, 0]]
        assert grid.usd_per_gb_RR.tolist() == [[0, 0.02, 0.09], [0, 0, 0.1], [0.12, 0.12, 0]]


def test_a_missing_price_is_the_mean_between_the_same_providers(tmp_path: Path) -> None:
    lines = [f"{a},{b},1,{'' if (a, b) == ('aws:a', 'gcp:d') else 0.1}" for a, b in permutations(NAMES, 2)]
    lines = [line.replace("aws:b,gcp:d,1,0.1", "aws:b,gcp:d,1,0.25") for line in lines]
    grid = read(written(tmp_path, lines))
    known = 4 * 4 - 1
    assert grid.usd_per_gb_RR[0, grid.names.index("gcp:d")] == pytest.approx((0.1 * (known - 1) + 0.25) / known)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("gcp:i,aws:j,", "gcp:i,aws:i,", "expected a line for every ordered pair of its 11 regions, found none from"),
        ("aws:a,aws:b,", "aws:a,aws:a,", "line 2: expected two different regions, found aws:a twice"),
        ("aws:a,aws:b,", "aws:a,azure:c,", "line 3: the pair aws:a to azure:c was there before"),
        ("aws:a,aws:b,", "a,aws:b,", "line 2: expected a region as provider:name, found 'a'"),
        ("aws:a,aws:b,", "aws:,aws:b,", "line 2: expected a region as provider:name, found 'aws:'"),
        ("aws:a,aws:b,", "aws:a,aws:b,-", "line 2, gbps: expected a finite number that is not negative, found '-"),
        ("aws:a,aws:b,", "aws:a,aws:b,nan,0.1\n", "line 2, gbps: expected a finite number that is not neg"),
        ("aws:a,aws:b,", "aws:a,aws:b,0,0.1\n", "line 2, gbps: expected a positive number, found 0"),
        ("aws:a,aws:b,", "aws:a,aws:b,1e-310,0.1\n", "line 2, gbps: expected a number from 1e-06 to 1e\\+06, found"),
        ("aws:a,aws:b,", "aws:a,aws:b,1e300,0.1\n", "line 2, gbps: expected a number from 1e-06 to 1e\\+06, found 1e"),
        ("aws:a,aws:b,", "aws:a,aws:b,1,1e308\n", "line 2, usd_per_gb: expected a number from 0 to 1e\\+06, found 1e"),
        ("aws:a,aws:b,", '"' + 200_000 * "a" + '",b:c,1,1\n', "expected comma-separated values, found field larger"),
        ("aws:a,aws:b,", "aws:a,aws:b,1,inf\n", "line 2, usd_per_gb: expected a finite number"),
        ("aws:a,aws:b,", "aws:a,aws:b,1\n", "line 2: expected 4 values, found 3"),
    ],
)
def test_what_departs_from_the_format_is_refused_with_the_place(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    text = "\n".join(rows()).replace(old, new, 1)
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"grid": written(tmp_path, text.split("\n"))})


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="expected the columns src_region,dst_region,gbps,usd_per_gb, found 'a,b'"):
        PROBLEM.configured({"grid": written(tmp_path, [], header="a,b\n")})
    with pytest.raises(ContractError, match="expected 3 to 500 regions, found 2"):
        PROBLEM.configured({"grid": written(tmp_path, rows(NAMES[:2]))})
    broken = tmp_path / "grid.csv.gz"
    broken.write_bytes(b"no gzip")
    with pytest.raises(ContractError, match="expected text, gzipped or not"):
        PROBLEM.configured({"grid": str(broken)})
    broken.write_bytes(gzip.compress(Path(written(tmp_path, rows())).read_bytes())[:-9])
    with pytest.raises(ContractError, match="expected text, gzipped or not, found Compressed file ended"):
        PROBLEM.configured({"grid": str(broken)})
    with pytest.raises(ContractError, match="cannot read"):
        PROBLEM.configured({"grid": str(tmp_path / "none.csv")})
    blank = [",".join(row.split(",")[:3]) + "," if row.startswith("aws") else row for row in rows()]
    with pytest.raises(ContractError, match="no price is known from aws to aws; expected usd_per_gb for at least one"):
        PROBLEM.configured({"grid": written(tmp_path, blank)})


def test_machines_of_providers_that_nobody_knows_need_their_caps(tmp_path: Path) -> None:
    path = written(tmp_path, [row.replace("azure", "mine") for row in rows()])
    with pytest.raises(ContractError, match="egress_gbps: grid .* has regions of 'mine', of whose machines nothing"):
        PROBLEM.configured({"grid": path})
    with pytest.raises(ContractError, match="ingress_gbps: grid .* has regions of 'mine'"):
        PROBLEM.configured({"grid": path, "egress_gbps": "9"})
    problem = PROBLEM.configured({"grid": path, "egress_gbps": "9", "ingress_gbps": "11", "machines": "3"})
    network = problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(0), Split.SEARCH))[
        0
    ].transfer.network
    assert set(network.egress_gbps_R) == {27.0}
    assert set(network.ingress_gbps_R) == {33.0}


@pytest.mark.parametrize("cap", ["egress_gbps", "ingress_gbps"])
def test_caps_that_let_no_transfer_end_are_refused(tmp_path: Path, cap: str) -> None:
    with pytest.raises(ContractError, match=f"{cap}: expected 0, or 1e-06 Gbit/s or more, found 1e-300"):
        PROBLEM.configured({"grid": written(tmp_path, rows()), cap: "1e-300"})


def test_the_hold_out_sends_from_regions_that_search_never_sends_from(tmp_path: Path) -> None:
    grid, rng = read(written(tmp_path, rows())), np.random.default_rng(0)
    senders: dict[bool, set[int]] = {}
    for held_out in (False, True):
        for _ in range(60):
            chosen, place = sources(grid, 5, rng, held_out=held_out)
            assert len(set(chosen)) == 5
            senders.setdefault(held_out, set()).add(chosen[place])
    assert senders == {True: {2, 5, 8}, False: {0, 1, 3, 4, 6, 7, 9}}


def test_a_drawn_part_of_a_grid_keeps_its_prices_and_rates(tmp_path: Path) -> None:
    grid, chosen = read(written(tmp_path, rows())), [7, 2, 4]
    network = network_from_grid(grid, chosen, [1, 3, 2], {"machine_usd_per_h": 0.5})
    assert network.gbps_RR[1, 2] == pytest.approx(2 * grid.gbps_RR[2, 4])
    assert network.gbps_RR[2, 0] == pytest.approx(grid.gbps_RR[4, 7])
    assert network.usd_per_gb_RR[0, 1] == grid.usd_per_gb_RR[7, 2]
    assert network.egress_gbps_R.tolist() == [7.0, 15.0, 32.0]  # gcp, aws, azure
    assert network.ingress_gbps_R.tolist() == [16.0, 30.0, 32.0]
    assert network.machines_usd_per_h_R.tolist() == [0.5, 1.5, 1.0]


def measured_grid() -> str:
    """The public grid's path, or a skip where it is not at hand."""
    folder = os.environ.get("EVENKEEL_TRACES")
    if folder is None or not Path(folder, "cloud_net_grid.csv.gz").exists():
        pytest.skip(f"EVENKEEL_TRACES={folder!r} is no folder with cloud_net_grid.csv.gz (the public network grid)")
    return str(Path(folder, "cloud_net_grid.csv.gz"))


def test_the_public_grid_is_played_whole() -> None:
    problem = PROBLEM.configured({"grid": measured_grid()})
    grid = read_grid(str(problem.task.parameters["grid"]))
    assert len(grid.names) == 64
    scenarios = problem.instances(Tier.SMOKE, Split.HOLDOUT, SeedSource(secret_from_seed(0), Split.HOLDOUT))
    assert all(s.bound_usd <= 0.9 * s.direct.usd for s in scenarios)


def test_a_grid_is_played_in_regimes_that_do_not_say_what_it_decides(tmp_path: Path) -> None:
    settings = {"regions": "6", "destinations": "4", "partitions": "3"}
    problem = PROBLEM.configured({"grid": written(tmp_path, rows()), **settings})
    for split, expected in (
        (Split.SEARCH, {"clouds", "many", "scarce"}),
        (Split.HOLDOUT, {"relays", "crowd", "starved"}),
    ):
        scenarios = problem.instances(Tier.QUICK, split, SeedSource(secret_from_seed(0), split))
        assert len(scenarios) >= 12
        assert {one.regime for one in scenarios} == expected


def test_drawn_networks_are_like_the_public_grid() -> None:
    problem = PROBLEM.configured({"grid": measured_grid()})
    real = statistics(pairs_of_grid(str(problem.task.parameters["grid"])))
    drawn = statistics(pairs_drawn(0))
    for kind, told in real.items():
        found = drawn[kind]
        assert found["usd_mean"] == pytest.approx(told["usd_mean"], rel=0.08), kind
        assert found["gbps_quantiles"] == pytest.approx(told["gbps_quantiles"], rel=0.25), kind
        assert found["correlation_log_gbps_km"] == pytest.approx(told["correlation_log_gbps_km"], abs=0.08), kind
