from __future__ import annotations

from evaluators.contract import Split
from evaluators.seeding import SeedSource, fresh_secret, report_secret, secret_from_seed


def test_seeds_repeat_and_depend_on_secret_split_and_instance() -> None:
    source = SeedSource(secret_from_seed(1), Split.SEARCH)
    assert source.instance("a") == SeedSource(secret_from_seed(1), Split.SEARCH).instance("a")
    others = {
        source.instance("b"),
        SeedSource(secret_from_seed(2), Split.SEARCH).instance("a"),
        SeedSource(secret_from_seed(1), Split.VALIDATION).instance("a"),
    }
    assert len(others | {source.instance("a")}) == 4


def test_the_candidates_seed_is_not_the_workloads() -> None:
    source = SeedSource(secret_from_seed(1), Split.SEARCH)
    assert source.candidate("a") != source.instance("a") & 0xFFFFFFFF


def test_secrets_from_the_system_differ_and_public_ones_do_not() -> None:
    assert fresh_secret() != fresh_secret()
    assert report_secret("toy", 1) == report_secret("toy", 1) != report_secret("toy", 2)


def test_the_digest_names_a_source_without_telling_it() -> None:
    source = SeedSource(secret_from_seed(1), Split.SEARCH)
    assert source.digest() == SeedSource(secret_from_seed(1), Split.SEARCH).digest()
    assert source.digest() != SeedSource(secret_from_seed(1), Split.HOLDOUT).digest()
    assert source.secret not in source.digest()
