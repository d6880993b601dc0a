"""Clusters of the user's: read strictly, jittered everywhere but in the report split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluators.contract import ContractError, Split, Tier
from evaluators.placement.model_packing.cluster_file import NamedCluster
from evaluators.placement.model_packing.scenario import Scenario
from evaluators.placement.model_packing.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.suite_problem import SuiteProblem

SEEDS = SeedSource(secret_from_seed(0), Split.SEARCH)
GPUS = [{"memory_gb": 80, "count": 2}, {"memory_gb": 40}]
MODELS: list[dict[str, Any]] = [
    {"name": "chat", "size_gb": 30, "rate": 6, "slo": 6, "home": 0},
    {"size_gb": 20, "rate": 3, "slo": 6, "parts": 2, "home": [0, 1]},
    {"size_gb": 25.5, "rate": 2, "slo": 5, "home": -1},
    {"size_gb": 10, "rate": 8, "slo": 8},
]


def told(tmp_path: Path, content: object) -> SuiteProblem[tuple[NamedCluster, ...], Scenario]:
    path = tmp_path / "cluster.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return PROBLEM.configured({"cluster": str(path)})


def a_file(**changes: object) -> dict[str, object]:
    return {"gpus": GPUS, "models": MODELS, "budget_gb": 30, **changes}


def test_the_report_split_plays_a_file_as_it_is(tmp_path: Path) -> None:
    problem = told(tmp_path, a_file(name="ours"))
    (scenario,) = problem.instances(Tier.REPORT, Split.REPORT, SEEDS)
    cluster = scenario.cluster
    assert scenario.name == "ours"
    assert cluster.memory_G.tolist() == [80, 80, 40]
    assert cluster.size_N.tolist() == [30, 20, 20, 25.5, 10]
    assert cluster.model_N.tolist() == [0, 1, 1, 2, 3]
    assert cluster.home_N.tolist() == [0, 0, 1, -1, -1]
    assert cluster.budget_gb == 30
    assert 0 <= scenario.weak <= scenario.bound


def test_the_other_splits_jitter_the_rates_of_models_and_nothing_else(tmp_path: Path) -> None:
    problem = told(tmp_path, [a_file(name="day"), a_file(name="night")])
    scenarios = problem.instances(Tier.QUICK, Split.SEARCH, SEEDS)
    assert len(scenarios) >= 12
    assert {one.regime for one in scenarios} == {"day", "night"}
    rates = np.array([one.cluster.rate_N for one in scenarios])
    assert len(np.unique(rates[:, 0])) == len(scenarios)
    assert (rates[:, 1] == rates[:, 2]).all()  # two parts of one model
    assert all((one.cluster.size_N == scenarios[0].cluster.size_N).all() for one in scenarios)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "expected JSON"),
        ([], "expected 1 to 200 clusters, found 0"),
        ([3], "cluster 0: expected an object with gpus, models, found 3"),
        ({"gpus": GPUS}, "expected models, found gpus"),
        (a_file(modles=1), "expected budget_gb, gpus, models, name, found modles"),
        (a_file(name=7), "expected a text as name, found 7"),
        ([a_file(name="a"), a_file(name="a")], "expected clusters with different names"),
        (a_file(gpus=[]), "gpus: expected a list that is not empty"),
        (a_file(gpus=[{"memory_gb": "80"}]), "gpus 0: memory_gb: expected a number from 1 to 1e9, found '80'"),
        (a_file(gpus=[{"memory_gb": 80, "count": 0}]), "count: expected a whole number from 1 to 512, found 0"),
        (a_file(budget_gb=-1), "budget_gb: expected a number from 0"),
        (a_file(models=[{"size_gb": 3, "rate": 0, "slo": 5}]), "model 0: rate: expected a number from 1e-09"),
        (a_file(models=[{"size_gb": 3, "rate": 1}]), "model 0: expected slo, found size_gb, rate"),
        (a_file(models=[{"size_gb": 3, "rate": 1, "slo": True}]), "slo: expected a number .* found True"),
        (
            a_file(models=[{"size_gb": 3, "rate": 1, "slo": 5, "parts": 4}]),
            "parts: expected a whole number from 1 to 3",
        ),
        (a_file(models=[{"size_gb": 3, "rate": 1, "slo": 5, "home": 3}]), "home: expected a whole number from -1 to 2"),
        (
            a_file(models=[{"size_gb": 3, "rate": 1, "slo": 5, "parts": 2, "home": [0]}]),
            "home: expected 2 GPUs, one for each part, found 1",
        ),
        (
            a_file(models=[{"size_gb": 3, "rate": 1, "slo": 5, "parts": 2, "home": [1, 1]}]),
            "home: expected a GPU of its own for each part",
        ),
        (
            a_file(models=[{"size_gb": 45, "rate": 1, "slo": 5, "home": 2}]),
            "expected at most 40 GB at home on GPU 2, found 45 GB",
        ),
        (
            a_file(models=[{"size_gb": 70, "rate": 1, "slo": 5, "parts": 3}]),
            "expected less than 200 GB of weights, found 210 GB",
        ),
        (
            a_file(models=[{"size_gb": 45, "rate": 1, "slo": 5, "parts": 3}]),
            "expected for each part of a model a GPU of its own that holds it",
        ),
        (
            a_file(gpus=[{"memory_gb": 40, "count": 2}], models=[{"size_gb": 25, "rate": 1, "slo": 5}] * 3),
            "expected parts that first fit, largest first, can place; give homes, or more memory",
        ),
        ("[" * 100_000, "expected JSON"),
        (a_file(gpus=[{"memory_gb": 200}], models=MODELS[2:]), "gpus: expected two or more, found 1: there is nothing"),
        (
            a_file(models=MODELS[:2], budget_gb=19.5),
            "budget_gb: every part has a home, so expected 20 GB or more, .* found 19.5 GB",
        ),
        (
            a_file(models=[{"size_gb": 40, "rate": 1, "slo": 5, "home": 2}, MODELS[3]], budget_gb=9),
            "expected that a placement can leave room on every GPU; raise memory or budget_gb",
        ),
        (
            a_file(models=[{"size_gb": 30, "rate": 1, "slo": 5, "parts": 3}]),
            "first fit leaves the most room that is possible already, so that nothing can be won",
        ),
    ],
)
def test_what_is_no_cluster_is_refused_with_its_place(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(ContractError, match=r"cluster .*cluster\.json: .*" + sentence.replace("(", r"\(")):
        told(tmp_path, content)


def test_a_budget_that_lets_the_smallest_part_move_is_a_choice(tmp_path: Path) -> None:
    assert told(tmp_path, a_file(models=MODELS[:2], budget_gb=20)).task.parameters["cluster"]


def test_a_file_that_is_not_there_is_said() -> None:
    with pytest.raises(ContractError, match="cluster: cannot read"):
        PROBLEM.configured({"cluster": "/nowhere/cluster.json"})
