"""What is a job shop and what is not; fresh shops from Taillard's generator."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError
from evaluators.scheduling.job_shop.generate import (
    Layout,
    draw_shop,
    realised_durations,
    shuffled,
    taillard_durations,
    taillard_routes,
)
from evaluators.scheduling.job_shop.shop import LONGEST, make_shop
from tests.evaluators.scheduling.job_shop.shops import a_shop

# Taillard 1993, table of the 15 x 15 job shops: time seed and machine seed of the first and the second.
PUBLISHED_SEEDS = {"ta01": (840612802, 398197754), "ta02": (1314640371, 386720536)}


def test_heads_and_tails_are_the_rest_of_the_job() -> None:
    shop = make_shop(np.array([[1, 0, 2]]), np.array([[4, 2, 5]]))
    assert shop.heads == ((0, 4, 6),)
    assert shop.tails == ((7, 5, 0),)


@pytest.mark.parametrize(
    ("routes", "durations", "words"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), "at least one job and one machine, found 0 and 2"),
        (np.zeros((2, 0)), np.zeros((2, 0)), "at least one job and one machine, found 2 and 0"),
        ([[0, 1], [1, 1]], [[3, 3], [3, 3]], "job 1: .* machine 1 twice and no operation on machine 0"),
        ([[0, 2]], [[3, 3]], "job 0: expected machines from 0 to 1, found 2"),
        ([[0, -1]], [[3, 3]], "found -1"),
        ([[0, 1]], [[3, 0]], "job 0: expected durations from 1"),
        ([[0, 1]], [[3, 10**9]], "job 0: expected durations from 1"),
        ([[0, 1]], [[3]], r"of one shape, found \(1, 2\) and \(1, 1\)"),
        (np.tile(np.arange(101), (100, 1)), np.ones((100, 101)), "at most 10000 operations, found 10100"),
    ],
)
def test_what_is_no_job_shop_is_refused_in_words(routes: object, durations: object, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        make_shop(np.array(routes, dtype=np.int64), np.array(durations, dtype=np.int64))


def test_generator_makes_taillards_own_instances_from_his_seeds() -> None:
    folder = os.environ.get("EVENKEEL_TRACES")
    if folder is None or not Path(folder, "jobshop_instances.json.gz").exists():
        pytest.skip(f"EVENKEEL_TRACES={folder!r} is no folder with jobshop_instances.json.gz (public instances)")
    published = json.loads(gzip.decompress(Path(folder, "jobshop_instances.json.gz").read_bytes()))
    for name, (time_seed, machine_seed) in PUBLISHED_SEEDS.items():
        assert taillard_durations(15, 15, time_seed).tolist() == published[name]["d"]
        assert taillard_routes(15, 15, machine_seed).tolist() == published[name]["m"]


@pytest.mark.parametrize("layout", Layout)
def test_layouts_give_shops_and_repeat(layout: Layout) -> None:
    shop, again, other = (draw_shop(layout, 12, 7, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert shop == again
    assert shop != other
    assert shop.durations_JM.min() >= 1
    assert shop.durations_JM.max() <= 99


def test_layouts_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    two_sets = draw_shop(Layout.TWO_SETS, 8, 6, rng).routes_JM
    assert (two_sets[:, :3] < 3).all()
    assert (two_sets[:, 3:] >= 3).all()
    by_job = draw_shop(Layout.JOB_CORRELATED, 40, 20, rng).durations_JM
    assert by_job.mean(axis=1).std() > 2 * by_job.mean(axis=0).std()
    shop = draw_shop(Layout.MACHINE_CORRELATED, 40, 20, rng)
    loads = np.bincount(shop.routes_JM.ravel(), weights=shop.durations_JM.ravel())
    assert loads.std() / loads.mean() > 0.25


def test_noise_has_mean_one_and_the_given_spread() -> None:
    shop = make_shop(np.tile(np.arange(100), (100, 1)), np.full((100, 100), 10_000))
    ratios = realised_durations(shop, 0.2, np.random.default_rng(0)) / 10_000
    assert ratios.mean() == pytest.approx(1.0, abs=0.01)
    assert np.log(ratios).std() == pytest.approx(0.2, abs=0.01)


def test_shuffling_renumbers_and_jitters_but_keeps_the_shop_alike() -> None:
    shop = a_shop(8, 5)
    copy = shuffled(shop, 0.1, np.random.default_rng(1))
    assert copy.routes != shop.routes
    ratio = np.sort(copy.durations_JM.sum(axis=1)) / np.sort(shop.durations_JM.sum(axis=1))
    assert (abs(ratio - 1) < 0.12).all()
    longest = make_shop(np.tile(np.arange(5), (5, 1)), np.full((5, 5), LONGEST))
    assert shuffled(longest, 0.1, np.random.default_rng(1)).durations_JM.max() == LONGEST
    only_renumbered = shuffled(shop, 0.0, np.random.default_rng(1))
    assert sorted(map(sorted, only_renumbered.durations)) == sorted(map(sorted, shop.durations))
