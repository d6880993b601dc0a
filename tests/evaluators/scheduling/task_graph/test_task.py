from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, InstanceResult, Outcome, Split, Tier
from evaluators.scheduling.task_graph.recorded import Recording
from evaluators.scheduling.task_graph.scenario import Scenario
from evaluators.scheduling.task_graph.shapes import SHAPES, outline_of
from evaluators.scheduling.task_graph.suite import HOLDOUT, SEARCH, recipes
from evaluators.scheduling.task_graph.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem
from tests.evaluators.scheduling.task_graph.graphs import CLOCK, quick
from tests.in_process import InProcessCandidate

IN_ORDER = (Path(__file__).parents[4] / "seeds/task_graph/baselines/in_order.py").read_text(encoding="utf-8")


def seeds(split: Split = Split.SEARCH, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def smoke(
    problem: SuiteProblem[Recording | None, Scenario], split: Split = Split.SEARCH, seed: int = 0
) -> list[Scenario]:
    return list(problem.instances(Tier.SMOKE, split, seeds(split, seed)))


def test_the_hold_out_has_other_shapes_sizes_and_machines() -> None:
    for one, other in (
        (SEARCH.sizes, HOLDOUT.sizes),
        (SEARCH.processors, HOLDOUT.processors),
        (SEARCH.heterogeneities, HOLDOUT.heterogeneities),
        ([r.shape for r in SEARCH.regimes], [r.shape for r in HOLDOUT.regimes]),
    ):
        assert not set(one) & set(other)
    assert {recipe.regime for recipe in recipes(Tier.FULL, Split.HOLDOUT, {})} == {r.shape for r in HOLDOUT.regimes}


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT, Split.REPORT])
@pytest.mark.parametrize("tier", [Tier.QUICK, Tier.FULL])
def test_names_are_unique_and_there_are_enough(tier: Tier, split: Split) -> None:
    names = [recipe.name for recipe in recipes(tier, split, {})]
    assert len(set(names)) == len(names) >= 12


def test_seeds_decide_everything() -> None:
    first, again, other = (smoke(PROBLEM, seed=seed) for seed in (3, 3, 4))
    assert all((a.graph.times_NP == b.graph.times_NP).all() and a.bound_us == b.bound_us
               for a, b in zip(first, again, strict=True))  # fmt: skip
    assert [a.name for a in first] == [c.name for c in other]
    assert any(a.weak_us != c.weak_us for a, c in zip(first, other, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [4, 50, 200])
def test_shapes_are_graphs_of_about_the_size(shape: str, size: int) -> None:
    outline = outline_of(shape, size, np.random.default_rng(1))
    assert len(outline.work) == len(outline.kinds)
    assert all(source < target for source, target, _ in outline.edges)
    assert len({edge[:2] for edge in outline.edges}) == len(outline.edges)
    assert min(outline.work) > 0
    if size > 10:
        assert 0.6 * size < len(outline.work) < 1.6 * size


@pytest.mark.parametrize("split", [Split.SEARCH, Split.HOLDOUT])
def test_graphs_of_the_suite_can_run_and_are_numbered_in_order(split: Split) -> None:
    for scenario in quick(split):
        graph = scenario.graph
        assert np.isfinite(graph.times_NP).any(axis=1).all()
        assert (graph.sources_E < graph.targets_E).all()
        assert (np.diff(graph.targets_E) >= 0).all()
        assert not graph.network.latency_PP.diagonal().any()
        assert not graph.network.gap_PP.diagonal().any()


def test_some_tasks_cannot_run_everywhere_in_both_splits() -> None:
    for split in (Split.SEARCH, Split.HOLDOUT):
        assert any(np.isinf(s.graph.times_NP).any() for s in quick(split))
    assert any(np.isinf(s.graph.times_NP).any() for s in smoke(PROBLEM))


def test_the_weak_baseline_scores_zero_everywhere() -> None:
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in quick(split):
            assert scenario.play(InProcessCandidate(IN_ORDER), CLOCK).score == 0.0
    assert PROBLEM.task.weak_baseline == "in_order"


def test_what_the_user_sets_holds_everywhere() -> None:
    told = {"tasks": "30", "processors": "5", "ccr": "0", "heterogeneity": "0", "platform": "related", "shape": "qr"}
    for split in (Split.SEARCH, Split.HOLDOUT):
        for scenario in smoke(PROBLEM.configured(told), split):
            graph = scenario.graph
            assert scenario.regime == "qr"
            assert graph.size == 30
            assert graph.num_processors == 5
            assert not graph.transfer_EPP.any()
            assert np.ptp(graph.times_NP, axis=1).max() == 0.0


def test_transfers_are_as_long_as_the_ratio_says() -> None:
    for scenario in smoke(PROBLEM.configured({"ccr": "2", "heterogeneity": "0", "platform": "unrelated"})):
        graph = scenario.graph
        pairs = graph.num_processors * (graph.num_processors - 1)
        mean = graph.transfer_EPP.sum(axis=(1, 2)).mean() / pairs
        assert mean == pytest.approx(2 * graph.times_NP.mean())


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"task": "8"}, "did you mean 'tasks'"),
        ({"tasks": "1"}, "tasks: expected two or more, found 1"),
        ({"tasks": "5000"}, "tasks: expected a value from 0 to 500"),
        ({"processors": "1"}, "processors: expected two or more, found 1: there is nothing to choose"),
        ({"processors": "100"}, "processors: expected a value from 0 to 64"),
        ({"ccr": "-0.5"}, "ccr: expected 0 or more, or -1 for the scenario's own, found -0.5"),
        ({"ccr": "nan"}, "ccr: expected a number"),
        ({"heterogeneity": "3"}, "heterogeneity: expected a value from -1 to 2"),
        ({"platform": "gpus", "heterogeneity": "1"}, "heterogeneity: counts for nothing on the platform gpus"),
        ({"platform": "tpu"}, "platform: expected one of mixed, unrelated"),
        ({"shape": "star"}, "shape: expected one of mixed, random"),
        ({"jitter": "0.5"}, "jitter: spreads a graph of your own; expected graph beside it"),
        ({"graph": "/nowhere/at/all.json"}, "graph: cannot read"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_can_be_set_small_and_on_every_platform(shape: str) -> None:
    for platform in ("unrelated", "related", "nodes", "gpus", "chip"):
        problem = PROBLEM.configured({"shape": shape, "platform": platform, "tasks": "2", "processors": "2"})
        result = smoke(problem)[0].play(InProcessCandidate(IN_ORDER), CLOCK)
        assert result.outcome is Outcome.SCORED


def test_feedback_says_a_line_for_each_regime() -> None:
    results: list[InstanceResult] = [s.play(InProcessCandidate(IN_ORDER), CLOCK) for s in smoke(PROBLEM)]
    text = PROBLEM.feedback(results)
    assert all(f"- {regime.shape}: score 0; makespan " in text for regime in SEARCH.regimes)
    assert {picture.chart for picture in PROBLEM.pictures(results)} == {"bar"}
