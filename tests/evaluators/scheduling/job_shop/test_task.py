"""The task as a whole: what programs may answer, anchors, splits, settings, files, reports."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import ContractError, InstanceResult, Outcome, ParameterKind, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.job_shop.dispatcher import COLUMNS, WHOLE, Builder
from evaluators.scheduling.job_shop.generate import Layout, draw_shop
from evaluators.scheduling.job_shop.parameters import PARAMETERS
from evaluators.scheduling.job_shop.scenario import Scenario, Setting, Variant, make_scenario
from evaluators.scheduling.job_shop.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.job_shop.shops import a_shop, shop_of
from tests.in_process import InProcessCandidate

DESCRIPTION = PROBLEM.task.entry_points[0].description
EVERY_VARIANT = pytest.mark.parametrize("variant", Variant)


def program(answer: str) -> str:
    return f"""
import numpy as np
class Policy:
    def __init__(self, config):
        self.config = config
    def priority(self, ops, state):
        n = ops["job"].size
        return {answer}
"""


FIFO, SPT = program("ops['arrival']"), program("ops['duration']")


def seeds(split: Split = Split.SEARCH, seed: int = 1) -> SeedSource:
    return SeedSource(secret_from_seed(seed), split)


def a_scenario(variant: Variant = Variant.CLASSIC, builder: Builder = Builder.OPEN) -> Scenario:
    sigma = 0.2 if variant is Variant.STOCHASTIC else 0.0
    return make_scenario("x", str(variant), a_shop(8, 5), Setting(variant=variant, builder=builder, sigma=sigma))


def played(scenario: Scenario, source: str) -> InstanceResult:
    return scenario.play(InProcessCandidate(source), ClockPolicy())


@EVERY_VARIANT
def test_first_in_first_out_scores_zero(variant: Variant) -> None:
    scenario = a_scenario(variant)
    result = played(scenario, FIFO)
    assert result.score == 0.0
    assert result.metrics["makespan"] == scenario.weak


def test_score_is_one_at_the_bound_and_no_lower_than_the_floor() -> None:
    scenario = replace(a_scenario(), weak=600, bound=500)
    assert [scenario.score(makespan) for makespan in (500, 550, 600, 650, 9000)] == [1.0, 0.5, 0.0, -0.5, -1.0]
    near = replace(scenario, weak=501)
    assert near.score(near.bound) == pytest.approx(0.04)  # of 5 % of the bound: one time unit is not the whole score
    one_job = make_scenario("x", "classic", a_shop(1, 4), Setting(variant=Variant.CLASSIC))
    assert one_job.weak == one_job.bound
    assert one_job.score(one_job.bound) == 0.0  # nothing to gain where every schedule is optimal


@EVERY_VARIANT
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("np.full(n, np.nan)", "finite"),
        ("np.full(n, np.inf)", "finite"),
        ("np.zeros(n + 1)", "expected shape"),
        ("np.zeros((n, 1))", "expected shape"),
        ("{'delay': 0.5}", "lacks priority"),
        ("{'priority': ops['job'], 'delay': 1.5}", "expected a delay from 0 to 1, found 1.5"),
        ("{'priority': ops['job'], 'delay': -0.1}", "expected a delay from 0 to 1, found -0.1"),
        ("{'priority': ops['job'], 'delay': np.nan}", "finite"),
    ],
)
def test_bad_answers_are_invalid_and_told_in_words(variant: Variant, answer: str, words: str) -> None:
    with pytest.raises(CandidateFailure, match=words) as failure:
        played(a_scenario(variant), program(answer))
    assert failure.value.outcome is Outcome.INVALID


@EVERY_VARIANT
def test_what_a_program_writes_into_its_arrays_changes_nothing(variant: Variant) -> None:
    scribbler = program("[ops['arrival'].copy(), ops['duration'].fill(1), ops['job'].fill(0), state.clear()][0]")
    assert played(a_scenario(variant), scribbler).score == 0.0


@EVERY_VARIANT
def test_what_a_program_is_shown_is_described_and_consistent(variant: Variant) -> None:
    scenario = a_scenario(variant)
    candidate = InProcessCandidate(program("{'priority': ops['duration'], 'delay': 1.0, 'wait': True}"))
    scenario.play(candidate, ClockPolicy())
    assert len(candidate.calls) > 10
    words = set(re.findall(r"\w+", DESCRIPTION))
    assert {*scenario.config(), *COLUMNS} <= words
    for _, (ops, state) in candidate.calls:
        assert isinstance(ops, Mapping)
        assert isinstance(state, Mapping)
        columns = {name: np.asarray(values) for name, values in ops.items()}
        assert {*state} <= words
        assert {name for name, values in columns.items() if values.dtype == np.int64} == WHOLE
        assert (columns["start"] >= columns["arrival"]).all() or variant is not Variant.CLASSIC
        assert columns["start"].min() == state["earliest"]
        assert (columns["start"] < state["cutoff"]).all()
        jobs, left = columns["job"], columns["ops_left"]
        op = scenario.shop.num_machines - left
        assert (scenario.shop.routes_JM[jobs, op] == state["machine"]).all()
        total = scenario.shop.durations_JM[jobs].sum(axis=1)
        np.testing.assert_array_equal(columns["work_done"] + columns["work_left"], total)


def test_builders_narrow_the_choice_whatever_the_program_says() -> None:
    eager = program("{'priority': -ops['start'], 'delay': 1.0}")
    shy = program("{'priority': -ops['start'], 'delay': 0.0}")
    makespans = {
        (builder, source): played(a_scenario(builder=builder), source).metrics["makespan"]
        for builder in Builder
        for source in (eager, shy)
    }
    assert makespans[Builder.GIFFLER_THOMPSON, shy] == makespans[Builder.OPEN, eager]
    assert makespans[Builder.NON_DELAY, eager] == makespans[Builder.OPEN, shy]
    assert makespans[Builder.OPEN, eager] != makespans[Builder.OPEN, shy]


def test_waiting_is_for_shops_without_buffers() -> None:
    patient = program("{'priority': ops['arrival'], 'wait': state['machines_held'] > 0}")
    for variant in (Variant.CLASSIC, Variant.STOCHASTIC):
        assert played(a_scenario(variant), patient).score == 0.0
    blocking = played(a_scenario(Variant.BLOCKING), patient)
    assert blocking.metrics["delayed"] > 0
    assert blocking.metrics["makespan"] > a_scenario(Variant.BLOCKING).weak


def test_truth_is_hidden_only_where_it_is_said_to_be() -> None:
    noisy = PROBLEM.configured({"variant": "stochastic"}).instances(Tier.SMOKE, Split.SEARCH, seeds())
    assert any(scenario.realised != scenario.shop.durations for scenario in noisy)
    for variant in ("classic", "blocking"):
        for scenario in PROBLEM.configured({"variant": variant}).instances(Tier.SMOKE, Split.SEARCH, seeds()):
            assert scenario.realised == scenario.shop.durations
            assert scenario.config()["sigma"] == 0.0


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT])
def test_instances_repeat_are_named_once_and_differ_by_seed(split: Split) -> None:
    one = PROBLEM.instances(Tier.QUICK, split, seeds(split))
    assert list(one) == list(PROBLEM.instances(Tier.QUICK, split, seeds(split)))
    assert len({scenario.name for scenario in one}) == len(one) >= 12
    assert {scenario.setting.variant for scenario in one} == set(Variant)
    other = PROBLEM.instances(Tier.QUICK, split, seeds(split, seed=2))
    assert [x.name for x in one] == [x.name for x in other]
    assert all(x.shop != y.shop for x, y in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [(Split.SEARCH, Split.HOLDOUT), (Split.SEARCH, Split.VALIDATION), (Split.VALIDATION, Split.HOLDOUT)],
)
def test_splits_have_regimes_shapes_and_noise_of_their_own(one: Split, other: Split) -> None:
    search, held_out = (PROBLEM.instances(Tier.QUICK, split, seeds(split)) for split in (one, other))
    for trait in (
        lambda scenario: scenario.regime,
        lambda scenario: (scenario.shop.num_jobs, scenario.shop.num_machines),
        lambda scenario: scenario.setting.sigma or scenario.name,
    ):
        assert not {trait(scenario) for scenario in search} & {trait(scenario) for scenario in held_out}


def test_validation_shops_are_no_more_work_than_those_of_the_hold_out() -> None:
    work = [
        sum(s.shop.num_jobs * s.shop.num_machines for s in PROBLEM.instances(Tier.QUICK, split, seeds(split)))
        for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT)
    ]
    assert work == sorted(work)


def test_leaning_layouts_lie_between_any_durations_and_correlated_ones() -> None:
    def spread(drawn: Layout, axis: int) -> float:
        """Of the mean durations of jobs (axis 1) or machines (0)."""
        shop = draw_shop(drawn, 60, 60, np.random.default_rng(3))
        by_machine = np.take_along_axis(shop.durations_JM, np.argsort(shop.routes_JM, axis=1), axis=1)
        return float(by_machine.mean(axis=axis).std())

    between = [Layout.TAILLARD, Layout.JOB_LEANING, Layout.JOB_CORRELATED]
    assert [spread(drawn, 1) for drawn in between] == sorted(spread(drawn, 1) for drawn in between)
    between = [Layout.TAILLARD, Layout.MACHINE_LEANING, Layout.MACHINE_CORRELATED]
    assert [spread(drawn, 0) for drawn in between] == sorted(spread(drawn, 0) for drawn in between)


def test_every_other_job_visits_one_half_of_the_machines_first() -> None:
    shop = draw_shop(Layout.SOME_TWO_SETS, 10, 8, np.random.default_rng(3))
    is_late = shop.routes_JM >= 4
    assert all(sorted(row) == list(row) for row in is_late[::2].tolist())
    assert not all(sorted(row) == list(row) for row in is_late[1::2].tolist())


def test_what_the_user_fixed_holds_in_every_split() -> None:
    problem = PROBLEM.configured({"jobs": "7", "variant": "stochastic", "sigma": "0.1", "layout": "two_sets"})
    for split in Split:
        for scenario in problem.instances(Tier.QUICK, split, seeds(split)):
            assert (scenario.shop.num_jobs, scenario.shop.num_machines) == (7, 15)
            assert scenario.setting == Setting(variant=Variant.STOCHASTIC, sigma=0.1)
            assert scenario.regime == "stochastic two_sets"
    assert problem.task.identity != PROBLEM.task.identity


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("machines", "-1", "expected a value from 0 to 200"),
        ("variant", "flow", "expected one of mixed, classic, blocking, stochastic"),
        ("builder", "greedy", "expected one of open"),
        ("sigma", "nan", "expected a number"),
        ("machines", "1", r"two or more of each, found 15 \* 1"),
        ("jobs", "1", r"two or more of each, found 1 \* 15"),
        ("machine", "3", "did you mean 'machines'"),
        ("instances", "/no/such/file", "cannot read"),
    ],
)
def test_bad_settings_are_refused_in_words(name: str, value: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        PROBLEM.configured({name: value})


def test_too_large_a_shop_is_refused_before_it_is_drawn() -> None:
    with pytest.raises(ContractError, match=r"jobs \* machines up to 10000, found 200 \* 51"):
        PROBLEM.configured({"jobs": 200, "machines": 51})


def a_file(folder: Path, content: object) -> Path:
    path = folder / "shops.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def entry(seed: int, **more: object) -> dict[str, object]:
    shop = a_shop(4, 3, seed)
    return {"d": shop.durations, "m": shop.routes, **more}


def test_report_split_plays_a_users_shops_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "shops.json.gz"
    content = {"one": entry(1, ub=200), "two": entry(2)}
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    scenarios = PROBLEM.configured({"instances": str(path)}).instances(Tier.REPORT, Split.REPORT, seeds(Split.REPORT))
    assert [scenario.name for scenario in scenarios] == ["one", "two"]
    assert scenarios[0].shop == a_shop(4, 3, 1)
    metrics = played(scenarios[0], SPT).metrics
    assert metrics["gap_to_best"] == pytest.approx(100 * (metrics["makespan"] / 200 - 1))
    assert "gap_to_best" not in played(scenarios[1], SPT).metrics


def test_other_splits_play_shuffled_copies_and_the_holdout_other_shops(tmp_path: Path) -> None:
    content = {f"shop{index}": entry(index) for index in range(6)}
    problem = PROBLEM.configured({"instances": str(a_file(tmp_path, content))})
    used = {}
    for split in (Split.SEARCH, Split.VALIDATION, Split.HOLDOUT):
        scenarios = problem.instances(Tier.QUICK, split, seeds(split))
        assert len(scenarios) == len({scenario.name for scenario in scenarios}) >= 12
        assert all(scenario.setting.variant is Variant.CLASSIC for scenario in scenarios)
        used[split] = {scenario.name.split("-")[0] for scenario in scenarios}
        originals = {a_shop(4, 3, index) for index in range(6)}
        assert not originals & {scenario.shop for scenario in scenarios}
    assert used[Split.SEARCH] == used[Split.VALIDATION] == {"shop0", "shop1", "shop3", "shop4"}
    assert used[Split.HOLDOUT] == {"shop2", "shop5"}


def test_lines_of_or_library_are_read_from_zero_or_one(tmp_path: Path) -> None:
    expected = shop_of([[1, 0], [0, 1]], [[3, 4], [5, 6]])
    for number, text in enumerate(("2 2\n1 3 0 4\n0 5 1 6\n", "2 2\n2 3 1 4\n1 5 2 6\n")):
        path = tmp_path / f"tiny{number}.txt"
        path.write_text(text)
        problem = PROBLEM.configured({"instances": str(path)})
        (scenario,) = problem.instances(Tier.SMOKE, Split.REPORT, seeds(Split.REPORT))
        assert (scenario.name, scenario.shop) == (f"tiny{number}", expected)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "found 0 numbers"),
        ("2 2\n0 1 1", "found 5 numbers"),
        ("2 two", "expected JSON, or lines of whole numbers"),
        ("2 2\n0 1 1 1\n1 1 0 " + "9" * 23, r"whole numbers below 2\^31, found 9999"),
        ("0 0", "at least one job and one machine"),
        ("{", "expected JSON"),
        ("{}", "expected 1 to 1000 instances, found 0"),
        ({"a": [1]}, 'a: expected an object with "d"'),
        ({"a": {"d": [[1]], "m": 3}}, r'a: "m": expected whole numbers \[jobs\]\[machines\]'),
        ({"a": {"d": [[1, 2], [1]], "m": [[0, 1], [1, 0]]}}, "equally many operations, found \\[1, 2\\]"),
        ({"a": {"d": [[1, 2.5]], "m": [[0, 1]]}}, "whole numbers below"),
        ({"a": {"d": [[1, True]], "m": [[0, 1]]}}, "whole numbers below"),
        ({"a": {"d": [], "m": []}}, "at least one job and one machine, found 0 and 0"),
        ({"a": {"d": [[]], "m": [[]]}}, "at least one job and one machine, found 1 and 0"),
        ({"a": {"d": [[1, 2]], "m": [[0, 0]]}}, "machine 0 twice and no operation on machine 1"),
        ({"a": {"d": [[1, 2]], "m": [[0, 1]], "ub": "low"}}, "positive whole number as \"ub\", found 'low'"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        PROBLEM.configured({"instances": str(a_file(tmp_path, content))})


@pytest.mark.skipif(importlib.util.find_spec("ortools") is not None, reason="OR-Tools is installed here")
def test_a_reference_without_the_solver_is_refused_in_words() -> None:
    with pytest.raises(ContractError, match=r"evenkeel\[sim\]"):
        PROBLEM.configured({"reference_s": 1})


@EVERY_VARIANT
def test_reference_lies_between_bound_and_rule(variant: Variant) -> None:
    pytest.importorskip("ortools", reason="the optional extra evenkeel[sim] is not installed")
    problem = PROBLEM.configured({"variant": variant, "jobs": 6, "machines": 4, "reference_s": 0.5})
    scenario = problem.instances(Tier.SMOKE, Split.SEARCH, seeds())[0]
    assert scenario.reference is not None
    assert scenario.bound <= scenario.reference <= scenario.weak
    metrics = played(scenario, SPT).metrics
    assert metrics["reference_score"] == pytest.approx(scenario.score(scenario.reference))


@EVERY_VARIANT
def test_every_metric_is_declared_and_plain(variant: Variant) -> None:
    metrics = played(a_scenario(variant), SPT).metrics
    optional = {"score", "gap_to_best", "gap_to_reference", "reference_score"}
    assert set(metrics) == {spec.name for spec in PROBLEM.task.metrics} - optional
    assert json.loads(json.dumps(dict(metrics))) == metrics
    assert (metrics["blocked"] > 0) == (variant is Variant.BLOCKING)


def test_parameters_are_described_and_leave_the_default_to_the_suite() -> None:
    assert PROBLEM.task.parameters == {}
    assert all(spec.description for spec in PARAMETERS)
    assert all(spec.default == "" for spec in PARAMETERS if spec.kind is ParameterKind.FILE)


def test_feedback_has_a_line_per_regime_and_names_failures() -> None:
    results = [played(scenario, SPT) for scenario in PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())]
    failed = InstanceResult(name="x", regime="classic", outcome=Outcome.CRASHED, detail="ValueError: no")
    lines = PROBLEM.feedback([*results, failed]).splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["- classic", "- stochastic", "- blocking", "- classic"]
    assert "blocked" in lines[3]
    assert lines[-1] == "- classic: crashed: ValueError: no"
    for picture in PROBLEM.pictures(results):
        assert len(picture.rows) == 3
        assert all(len(row) == len(picture.columns) for row in picture.rows)


def test_smoke_plays_the_edges_of_the_contract() -> None:
    shapes = {(s.shop.num_jobs, s.shop.num_machines) for s in PROBLEM.instances(Tier.SMOKE, Split.SEARCH, seeds())}
    assert {(2, 1), (1, 4)} < shapes
