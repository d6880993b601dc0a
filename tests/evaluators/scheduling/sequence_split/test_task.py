from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, Split, Tier
from evaluators.scheduling.sequence_split.lengths import PATTERNS, SHORTEST, draw_lengths
from evaluators.scheduling.sequence_split.machine import Sync
from evaluators.scheduling.sequence_split.recorded import Recording
from evaluators.scheduling.sequence_split.scenario import Scenario
from evaluators.scheduling.sequence_split.suite import HOLDOUT, SEARCH, recipes
from evaluators.scheduling.sequence_split.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.sequence_split.batches import CLOCK
from tests.in_process import InProcessCandidate

FIRST_FIT = (Path(__file__).parents[4] / "seeds/sequence_split/baselines/first_fit.py").read_text(encoding="utf-8")
SEARCH_REGIMES = ["lognormal", "longtail", "bimodal", "multimodal", "even", "tight", "slow_network"]
HOLDOUT_REGIMES = ["turns", "code", "pareto", "three_peaks", "giants", "slow_pareto"]


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def smoke(
    problem: SuiteProblem[Recording | None, Scenario], split: Split = Split.SEARCH, seed: int = 0
) -> list[Scenario]:
    return list(problem.instances(Tier.SMOKE, split, seeds(split, seed)))


def test_the_hold_out_has_other_data_clusters_models_and_links() -> None:
    for name in ("clusters", "models", "links", "slow_links", "sizes"):
        one, other = ({"clusters": w.clusters, "models": w.models, "links": w.links, "slow_links": w.slow_links,
                       "sizes": w.sizes}[name] for w in (SEARCH, HOLDOUT))  # fmt: skip
        assert not set(one) & set(other) - {512}, name
    search, holdout = (recipes(Tier.FULL, split, {}) for split in (Split.SEARCH, Split.HOLDOUT))
    assert list(dict.fromkeys(recipe.regime for recipe in search)) == SEARCH_REGIMES
    assert list(dict.fromkeys(recipe.regime for recipe in holdout)) == HOLDOUT_REGIMES


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_every_regime_has_both_kinds_of_waiting_and_of_rings(split: Split) -> None:
    for regime in SEARCH_REGIMES if split is Split.SEARCH else HOLDOUT_REGIMES:
        machines = [recipe.machine for recipe in recipes(Tier.QUICK, split, {}) if recipe.regime == regime]
        assert {machine.sync for machine in machines} == set(Sync)
        assert {machine.overlap for machine in machines} == {True, False}
        assert len({machine.ranks for machine in machines}) > 1


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT, Split.REPORT])
@pytest.mark.parametrize("tier", [Tier.QUICK, Tier.FULL])
def test_names_are_unique_and_there_are_enough(tier: Tier, split: Split) -> None:
    names = [recipe.name for recipe in recipes(tier, split, {})]
    assert len(set(names)) == len(names) >= 12


def test_seeds_decide_everything() -> None:
    first, again, other = (smoke(PROBLEM, seed=seed) for seed in (3, 3, 4))
    assert all((a.batch.lengths_N == b.batch.lengths_N).all() and a.bound_us == b.bound_us
               for a, b in zip(first, again, strict=True))  # fmt: skip
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.weak_us != c.weak_us for a, c in zip(first, other, strict=True))


@pytest.mark.parametrize("name", PATTERNS)
def test_lengths_are_whole_within_limits_and_of_the_shape_that_is_told(name: str) -> None:
    pattern = PATTERNS[name]
    lengths = draw_lengths(pattern, 4000, np.random.default_rng(0))
    assert lengths.dtype == np.int64
    assert lengths.min() >= SHORTEST
    assert lengths.max() <= pattern.longest
    skew = lengths.mean() / np.median(lengths)
    assert skew < 1.1 if name == "even" else skew > 1.2


def test_slow_networks_are_slow_and_tight_caps_tight() -> None:
    for split, slow, other in ((Split.SEARCH, "slow_network", "longtail"), (Split.HOLDOUT, "slow_pareto", "pareto")):
        links = {name: [r.machine.inter_gb_s for r in recipes(Tier.FULL, split, {}) if r.regime == name]
                 for name in (slow, other)}  # fmt: skip
        assert max(links[slow]) < min(links[other])
    assert PATTERNS["tight"].room < min(p.room for name, p in PATTERNS.items() if name not in ("tight", "code"))


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_many_sequences_are_longer_than_the_cap_somewhere_and_none_is_too_long(split: Split) -> None:
    scenarios = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    assert any((scenario.batch.needed_N > 1).any() for scenario in scenarios)
    assert all((scenario.batch.needed_N <= scenario.batch.machine.ranks).all() for scenario in scenarios)


def test_first_fit_scores_zero_everywhere() -> None:
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in PROBLEM.instances(Tier.QUICK, split, seeds(split)):
            assert scenario.play(InProcessCandidate(FIRST_FIT), CLOCK).score == 0.0
    assert PROBLEM.task.weak_baseline == "first_fit"


def test_what_the_user_sets_holds_everywhere() -> None:
    told = {
        "sequences": "25", "ranks": "10", "ranks_per_node": "5", "cap": "20000", "micro_batches": "9",
        "linear_us": "50", "crossover": "10000", "kv_kib": "100", "intra_gb_s": "200", "inter_gb_s": "20",
        "hop_us": "0", "overhead_us": "0", "sync": "gradient", "ring": "exposed", "pattern": "pareto",
    }  # fmt: skip
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in smoke(PROBLEM.configured(told), split):
            batch, on = scenario.batch, scenario.batch.machine
            assert (scenario.regime, batch.size, batch.cap, batch.micro_batches) == ("pareto", 25, 20_000, 9)
            assert (on.ranks, on.ranks_per_node, on.sync, on.overlap) == (10, 5, Sync.GRADIENT, False)
            assert (on.linear_us, on.quadratic_us, on.hop_us, on.overhead_us) == (50.0, 0.005, 0.0, 0.0)
            assert on.intra_us == pytest.approx(0.512)
            assert on.inter_us == pytest.approx(5.12)


def test_a_pattern_of_short_sequences_needs_no_cap_for_long_ones() -> None:
    for scenario in smoke(PROBLEM.configured({"cap": "313", "ranks": "8", "pattern": "even"})):
        assert scenario.batch.lengths_N.max() <= 8 * 313
        assert scenario.play(InProcessCandidate(FIRST_FIT), CLOCK).outcome is Outcome.SCORED


def test_micro_batches_are_as_many_as_first_fit_needs() -> None:
    for scenario in smoke(PROBLEM.configured({"cap": "22000", "micro_batches": "1", "pattern": "longtail"})):
        assert scenario.batch.micro_batches * scenario.batch.machine.ranks * 22_000 >= scenario.batch.lengths_N.sum()
        assert scenario.play(InProcessCandidate(FIRST_FIT), CLOCK).outcome is Outcome.SCORED


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"rank": "8"}, "did you mean 'ranks'"),
        ({"sequences": "1"}, "sequences: expected two or more, found 1"),
        ({"sequences": "5000"}, "sequences: expected a value from 0 to 1024"),
        ({"ranks": "1000"}, "ranks: expected a value from 0 to 256"),
        ({"ranks": "-1"}, "ranks: expected a value from 0 to 256"),
        ({"cap": "100"}, "cap: 6 ranks of 100 tokens hold 600, but sequences have up to 131072"),
        (
            {"cap": "1000", "ranks": "8", "pattern": "longtail"},
            "hold 8000, but sequences have up to 65536; expected a cap of 8192",
        ),
        (
            {"cap": "300", "ranks": "8", "pattern": "even"},
            "hold 2400, but sequences have up to 2500; expected a cap of 313",
        ),
        ({"sync": "never"}, "sync: expected one of mixed, step, gradient"),
        ({"ring": "hidden"}, "ring: expected one of mixed, overlapped, exposed"),
        ({"pattern": "zipf"}, "pattern: expected one of mixed, lognormal"),
        ({"crossover": "nan"}, "crossover: expected a number"),
        ({"crossover": "1e-310"}, "crossover: expected 1e-06 or more, or 0 for the scenario's own, found 1e-310"),
        ({"intra_gb_s": "1e-320", "inter_gb_s": "1e-320"}, "intra_gb_s: expected 1e-06 or more"),
        ({"hop_us": "-0.5"}, "hop_us: expected 0 or more, or -1 for the usual, found -0.5"),
        ({"intra_gb_s": "10", "inter_gb_s": "20"}, "inter_gb_s: expected at most intra_gb_s, found 20 .* and 10"),
        ({"inter_gb_s": "150"}, "found 150 between nodes and 32 inside one in some scenarios; set both"),
        ({"lengths": "/nowhere/at/all.json"}, "lengths: cannot read"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


@pytest.mark.parametrize("link", ["1e-6", "1e5"])
@pytest.mark.parametrize("token", ["1e-6", "1e6"])
def test_times_are_finite_at_the_ends_of_what_may_be_set(link: str, token: str) -> None:
    told = {"linear_us": token, "kv_kib": token, "intra_gb_s": link, "inter_gb_s": link, "crossover": "1e-6"}
    for scenario in smoke(PROBLEM.configured(told), Split.HOLDOUT):
        assert np.isfinite(scenario.weak_us)
        assert scenario.weak_us >= scenario.bound_us > 0


def test_a_pattern_beside_lengths_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text("[10, 20, 30]")
    with pytest.raises(ContractError, match="expected no pattern beside it"):
        PROBLEM.configured({"lengths": str(path), "pattern": "even"})


def test_feedback_and_pictures_are_aggregates() -> None:
    played = [scenario.play(InProcessCandidate(FIRST_FIT), CLOCK) for scenario in smoke(PROBLEM)]
    text = PROBLEM.feedback(played)
    assert text.count("\n- ") == len(SEARCH_REGIMES)
    assert "tight: score" in text
    failed = InstanceResult(name="even-9", regime="even", outcome=Outcome.INVALID, detail="ranks: expected")
    assert "- even: invalid: ranks: expected" in PROBLEM.feedback([failed])
    assert [len(picture.rows) for picture in PROBLEM.pictures(played)] == [7, 7]
    assert PROBLEM.pictures([failed])[0].rows == ()


def test_every_metric_is_declared() -> None:
    reported = {name for s in smoke(PROBLEM) for name in s.play(InProcessCandidate(FIRST_FIT), CLOCK).metrics}
    assert reported | {"score"} == {spec.name for spec in PROBLEM.task.metrics}
