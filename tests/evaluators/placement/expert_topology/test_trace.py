from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import ContractError, Outcome, Split, Tier
from evaluators.placement.expert_topology.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.placement.expert_topology.scenes import CLOCK
from tests.in_process import InProcessCandidate

IN_ORDER = (
    "import numpy as np\n"
    "def place(trace, source, config):\n"
    "    return np.tile(np.arange(config['slots'])[::-1] % config['experts'], (config['layers'], 1))\n"
)


def saved(folder: Path, ids: np.ndarray) -> str:
    np.save(folder / "trace.npy", ids)
    return str(folder / "trace.npy")


def some_ids(tokens: int = 4096, layers: int = 3, top_k: int = 2, experts: int = 16) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.random((tokens, layers, experts)).argsort(axis=2)[..., :top_k].astype(np.int16)


def test_splits_play_disjoint_stretches(tmp_path: Path) -> None:
    ids = some_ids()
    ids[:, 0, 0] = np.arange(4096) // 256  # which sixteenth of the trace a token is from
    ids[:, 0, 1] = (ids[:, 0, 0] + 1) % 16
    problem = PROBLEM.configured({"trace": saved(tmp_path, ids), "gpus": 8})
    seen: dict[Split, list[set[int]]] = {}
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        scenarios = problem.instances(Tier.QUICK, split, SeedSource(secret_from_seed(0), split))
        assert {scenario.regime for scenario in scenarios} == {"recorded"}
        assert len(scenarios) == 20
        workloads = [scenario.workload for scenario in scenarios]
        seen[split] = [
            set(np.concatenate([getattr(w, part).ids_TLK[:, 0, 0] for w in workloads]).tolist())
            for part in ("shown", "scored")
        ]
    assert seen[Split.SEARCH] == [set(range(4)), set(range(4, 8))]
    assert seen[Split.VALIDATION] == [{8, 9}, {10, 11}]
    assert seen[Split.HOLDOUT] == [{12, 13}, {14, 15}]


def test_a_top_one_trace_of_two_dimensions_is_read(tmp_path: Path) -> None:
    problem = PROBLEM.configured({"trace": saved(tmp_path, some_ids(top_k=1)[..., 0]), "gpus": 4})
    scenario = problem.instances(Tier.SMOKE, Split.SEARCH, SeedSource(secret_from_seed(0), Split.SEARCH))[0]
    assert scenario.system.top_k == 1
    assert scenario.play(InProcessCandidate(IN_ORDER), CLOCK).outcome is Outcome.SCORED


def test_the_trace_shipped_with_expert_replication_is_playable() -> None:
    package = "evaluators.placement.expert_replication"
    with resources.as_file(resources.files(package) / "recorded_moe.npy") as path:
        problem = PROBLEM.configured({"trace": str(path), "gpus": 8, "residency": "follow"})
        scenarios = problem.instances(Tier.SMOKE, Split.HOLDOUT, SeedSource(secret_from_seed(0), Split.HOLDOUT))
    assert {(s.system.experts, s.system.top_k, s.system.layers) for s in scenarios} == {(32, 4, 3)}
    assert scenarios[0].play(InProcessCandidate(IN_ORDER), CLOCK).outcome is Outcome.SCORED


@pytest.mark.parametrize(
    ("change", "settings", "found"),
    [
        (lambda ids: ids[:100], {}, "expected 2048 tokens or more"),
        (lambda ids: ids[:, :1], {}, "expected two layers or more, found 1"),
        (lambda ids: ids.astype(float), {}, r"expected integers \[tokens, layers, k\], found float64"),
        (lambda ids: ids[..., 0, 0], {}, "found int16 of shape"),
        (lambda ids: ids - 1, {}, r"token \d+, layer \d, choice \d: expected an expert from 0 to 1023, found -1"),
        (lambda ids: ids, {"experts": 12}, r"expected an expert from 0 to 11, found 1\d"),
        (lambda ids: ids, {"top_k": 3}, "the file has top_k = 2, but top_k was set to 3"),
        (lambda ids: ids, {"layers": 4}, "the file has layers = 3, but layers was set to 4"),
        (lambda ids: np.repeat(ids[..., :1], 2, axis=2), {}, "token 0, layer 0: expected different experts"),
    ],
)
def test_a_bad_trace_is_refused_with_its_place(
    tmp_path: Path, change: object, settings: dict[str, int], found: str
) -> None:
    assert callable(change)
    with pytest.raises(ContractError, match=found):
        PROBLEM.configured({"trace": saved(tmp_path, change(some_ids())), "gpus": 4, **settings})


def test_a_file_that_is_no_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace.npy").write_text("no array")
    with pytest.raises(ContractError, match=r"trace .*trace.npy: expected a .npy array of integers"):
        PROBLEM.configured({"trace": str(tmp_path / "trace.npy")})
