from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from evaluators.candidate import Argument, CandidateFailure
from evaluators.contract import ContractError, Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.cluster_balance.engine import Seen, run
from evaluators.scheduling.cluster_balance.regimes import HOLDOUT, SEARCH, draw
from evaluators.scheduling.cluster_balance.scenario import Scenario, make_scenario
from evaluators.scheduling.cluster_balance.task import PROBLEM
from evaluators.scheduling.cluster_balance.weak import round_robin
from evaluators.scheduling.cluster_balance.workload import Bools, Ints, Workload
from evaluators.seeding import SeedSource, secret_from_seed
from tests.in_process import InProcessCandidate

CLOCK = ClockPolicy()
HEAD = "import numpy as np\nclass Policy:\n    def __init__(self, c):\n        self.c, self.log = c, []\n"


def step(body: str) -> str:
    return HEAD + "    def step(self, seen):\n        J, M = len(seen['job']), len(self.c['price'])\n        " + body


def scene(seed: int = 0) -> Scenario:
    workload = draw(SEARCH["steady"], 4, 20, np.random.default_rng(seed))
    return make_scenario("s", "steady", workload, candidate_seed=1)


def seeds(split: Split, seed: int = 0) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("return {'place': np.full(J, 99), 'on': np.ones(M, bool)}", "expected machines from -1 to 3"),
        ("return {'place': np.full(J, -2), 'on': np.ones(M, bool)}", "expected machines from -1 to 3"),
        ("return {'place': np.zeros(J, int), 'on': np.ones(M, bool)}", "machine 0: expected at most"),
        ("return {'place': np.zeros(J, int), 'on': np.zeros(M, bool)}", "found one on machine 0: off"),
        ("return {'place': np.full(J, -1), 'on': np.ones(M, bool)}", "expected all jobs done by tick"),
    ],
)
def test_what_cannot_be_carried_out_is_invalid(body: str, sentence: str) -> None:
    with pytest.raises(CandidateFailure, match=sentence) as failure:
        scene().play(InProcessCandidate(step(body)), CLOCK)
    assert failure.value.outcome is Outcome.INVALID


def test_a_machine_that_boots_holds_no_jobs() -> None:
    body = "on = np.full(M, seen['tick'] != 0); return {'place': np.full(J, 0 if seen['tick'] == 1 else -1), 'on': on}"
    workload = scene().workload
    jobs = replace(workload.jobs, arrival_N=np.zeros_like(workload.jobs.arrival_N))
    scenario = make_scenario("s", "r", Workload(fleet=workload.fleet, jobs=jobs), candidate_seed=1)
    with pytest.raises(CandidateFailure, match="booting"):
        scenario.play(InProcessCandidate(step(body)), CLOCK)


def told_of(workload: Workload) -> tuple[dict[str, Argument], list[dict[str, npt.NDArray[np.generic]]]]:
    """What is told under round robin: the config, and what is seen tick by tick."""
    scenario, decide = make_scenario("s", "r", workload, candidate_seed=1), round_robin(workload)
    views: list[dict[str, npt.NDArray[np.generic]]] = []

    def noted(seen: Seen) -> tuple[Ints, Bools]:
        views.append({name: np.array(value) for name, value in scenario.view(seen).items()})
        return decide(seen)

    run(workload, noted)
    return scenario.config(), views


def test_two_futures_with_one_past_are_told_alike() -> None:
    """Other jobs, sizes, speeds-to-be and slowdowns after tick 8: what is told before is the same."""
    one = scene().workload
    jobs, late = one.jobs, one.jobs.arrival_N >= 8
    assert late.any()
    other_jobs = replace(
        jobs,
        size_N=np.where(late, 3.0, jobs.size_N),
        weight_N=np.where(late, 9.0, jobs.weight_N),
        demand_N2=np.where(late[:, None], 0.5, jobs.demand_N2),
    )
    slow_TM = one.fleet.slow_TM.copy()
    slow_TM[8:] = 0.5
    other = Workload(fleet=replace(one.fleet, slow_TM=slow_TM), jobs=other_jobs)
    (config, views), (other_config, other_views) = told_of(one), told_of(other)
    for name, value in config.items():
        assert np.array_equal(np.asarray(value), np.asarray(other_config[name]))
    for here, there in zip(views[:8], other_views[:8], strict=True):
        assert all(np.array_equal(here[name], there[name]) for name in here)


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT])
def test_every_scenario_has_something_to_win(split: Split) -> None:
    scenarios = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    assert len({s.name for s in scenarios}) == len(scenarios) >= 12
    assert {s.regime for s in scenarios} == set(HOLDOUT if split is Split.HOLDOUT else SEARCH)
    assert all(s.bound < s.weak for s in scenarios)
    assert not set(HOLDOUT) & set(SEARCH)


def test_seeds_decide_everything() -> None:
    first, again, other = (PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds(Split.SEARCH, s)) for s in (3, 3, 4))
    assert [s.weak for s in first] == [s.weak for s in again] != [s.weak for s in other]


def rows(count: int = 400) -> str:
    lines = [f"{3 * i},{1 + i % 3},{2 + i % 7},{20 + 13 * i % 90},{1 + i % 2},g{i % 4}" for i in range(count)]
    return "\n".join(["arrival_s,cpu,memory,seconds,weight,group", *lines]) + "\n"


def test_a_trace_is_played_in_every_split(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text(rows())
    problem = PROBLEM.configured({"trace": str(path), "machines": "6"})
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        for scenario in problem.instances(Tier.SMOKE, split, seeds(split)):
            assert scenario.regime == "recorded"
            assert scenario.bound < scenario.weak


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "expected the columns arrival_s,cpu"),
        (rows(10), "expected at least 80 jobs, found 10"),
        (rows().replace("3,2,3,33,2,g1", "3,2,3,nan,2,g1"), "line 3: expected seconds from above 0"),
        (rows().replace("3,2,3,33,2,g1", "3,2,3"), "line 3: expected 6 cells, found 3"),
        (rows().replace("3,2,3,33,2,g1", "3,99,3,33,2,g1"), "a job needs 99 cores, the largest machine has 16"),
    ],
)
def test_a_trace_that_is_none_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text(text)
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured({"trace": str(path)})


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"tick_s": "5"}, "counts only with a trace"),
        ({"price": "-0.5"}, "price: expected 0 or more"),
        ({"machnes": "5"}, "did you mean 'machines'"),
        ({"load": "2"}, "load: expected a value from 0 to 0.9"),
    ],
)
def test_settings_that_cannot_be_are_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        PROBLEM.configured(told)


def test_every_metric_is_declared_and_told() -> None:
    source = (Path(__file__).parents[4] / "seeds/cluster_balance/baselines/round_robin.py").read_text(encoding="utf-8")
    played = [
        s.play(InProcessCandidate(source), CLOCK)
        for s in PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds(Split.SEARCH))
    ]
    assert {name for result in played for name in result.metrics} | {"score"} == {m.name for m in PROBLEM.task.metrics}
    assert "steady: score 0" in PROBLEM.feedback(played)
    assert len(PROBLEM.pictures(played)) == 2
