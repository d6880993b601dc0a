"""Evaluators of the public form, run as they are in the sandbox: what works, what is refused, and how it is marked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evaluators import registry
from evaluators.adapters.public_form import objective, score
from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, SELF_SCORED, ContractError, Evaluation, Outcome, Split, Tier
from evaluators.environment import environment_of
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed
from evolve.patch.patched import ReplyForm
from evolve.programs import founding_programs
from evolve.prompting.build import system_text

PROGRAM = "# EVOLVE-BLOCK-START\nSLOPE = 2.0\n\n\ndef line(x):\n    return SLOPE * x\n# EVOLVE-BLOCK-END\n"
LOADS_THE_PROGRAM = """
import importlib.util


def load(program_path):
    spec = importlib.util.spec_from_file_location("candidate", program_path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
"""
USUAL = (
    LOADS_THE_PROGRAM
    + """
import json
import os
from concurrent.futures import ThreadPoolExecutor

from truth import slope

HERE = os.path.dirname(os.path.abspath(__file__))


def evaluate(program_path):
    assert os.path.isfile(program_path) and not os.path.exists(program_path + ".bak")
    with open(os.path.join(HERE, "data", "points.json")) as file:
        points = json.load(file)
    with ThreadPoolExecutor(max_workers=1) as executor:
        lines = [executor.submit(load(program_path).line, x).result(timeout=5) for x in points]
    with open("notes.txt", "w") as file:
        file.write("seen")
    error = sum(abs(y - slope() * x) for x, y in zip(points, lines))
    return {"combined_score": 1 / (1 + error), "points": len(points), "good": True, "note": open("notes.txt").read()}
"""
)


def task_folder(folder: Path, evaluator: str) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "evaluator.py").write_text(evaluator)
    (folder / "initial_program.py").write_text(PROGRAM)
    (folder / "truth.py").write_text("def slope():\n    return 3.0\n")
    (folder / "data" / "points.json").write_text("[0.0, 1.0, 2.0]")
    (folder / "config.yaml").write_text("max_iterations: 3\n")
    return folder


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("numpy",)) as started:
        yield started


def played(
    sandbox: Sandbox, folder: Path, source: str = PROGRAM, tier: Tier = Tier.QUICK, **settings: int
) -> Evaluation:
    problem = registry.problem(str(folder)).configured(settings)
    workload = Workload.build(problem, tier, Split.SEARCH, secret_from_seed(0))
    environment = environment_of(problem.task, sandbox.layers)
    return evaluate(problem, workload, source, sandbox.candidate, environment, ClockPolicy())


def detail(evaluation: Evaluation) -> str:
    return evaluation.instances[0].detail


def test_an_evaluator_with_data_helpers_threads_and_notes_runs_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = task_folder(tmp_path / "line", USUAL)
    before = sorted(folder.rglob("*"))
    evaluation = played(sandbox, folder)
    assert evaluation.outcome is Outcome.SCORED, detail(evaluation)
    assert evaluation.objective == pytest.approx(0.25)
    assert evaluation.metrics == {"combined_score": pytest.approx(0.25), "points": 3.0, "good": 1.0}
    assert sorted(folder.rglob("*")) == before  # what it wrote stayed in its child
    assert "points 3" in evaluation.feedback


def test_programs_may_be_loaded_by_other_means(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluator = """
import os
import runpy
import threading
from pathlib import Path


def evaluate(program_path):
    names, found = {}, []
    exec(Path(program_path).read_text(), names)
    thread = threading.Thread(target=lambda: found.append(runpy.run_path(program_path)["line"](1.0)))
    thread.start()
    thread.join(timeout=5)
    folder = os.path.dirname(__file__)
    assert "truth.py" in os.listdir(folder) and os.path.isdir(os.path.join(folder, "data"))
    assert Path("config.yaml").exists() and not thread.is_alive()
    return {"combined_score": names["line"](1.0) + found[0]}
"""
    evaluation = played(sandbox, task_folder(tmp_path / "line", evaluator))
    assert evaluation.objective == 4.0, detail(evaluation)


def test_every_result_says_that_it_is_self_scored(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluation = played(sandbox, task_folder(tmp_path / "line", USUAL))
    assert SELF_SCORED in evaluation.environment.sandbox
    assert SELF_SCORED in evaluation.environment_class
    assert evaluation.task == "line_self_scored"


def test_a_program_can_forge_its_score_and_that_is_why_results_are_marked(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = task_folder(tmp_path / "line", USUAL)
    forgery = "import sys\nsys.modules['evaluator'].slope = lambda: 2.0\n" + PROGRAM
    assert played(sandbox, folder, forgery).objective == pytest.approx(1.0)


def test_smoke_checks_without_scoring(sandbox: Sandbox, tmp_path: Path) -> None:
    folder = task_folder(tmp_path / "line", USUAL)
    assert played(sandbox, folder, tier=Tier.SMOKE).outcome is Outcome.SCORED
    broken = played(sandbox, folder, "def line(:", tier=Tier.SMOKE)
    assert broken.outcome is Outcome.CRASHED
    assert "SyntaxError" in detail(broken)


def test_the_results_class_of_openevolve_is_understood(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluator = (
        "from openevolve.evaluation_result import EvaluationResult\n"
        "def evaluate(program_path):\n"
        "    return EvaluationResult(metrics={'combined_score': 0.5, 'odd': float('nan')}, artifacts={'stderr': ''})\n"
    )
    evaluation = played(sandbox, task_folder(tmp_path / "line", evaluator))
    assert evaluation.metrics == {"combined_score": 0.5}


def test_repeats_see_other_seeds_of_the_global_generators(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluator = (
        "import random\nimport numpy as np\ndef evaluate(p):\n    return {'a': random.random() + np.random.rand()}\n"
    )
    folder = task_folder(tmp_path / "line", evaluator)
    first, again = (played(sandbox, folder, repeats=3) for _ in range(2))
    scores = [instance.score for instance in first.instances]
    assert len(set(scores)) == 3
    assert scores == [instance.score for instance in again.instances]


@pytest.mark.parametrize(
    ("body", "outcome", "said"),
    [
        ("return load(program_path).nothing(1)", Outcome.CRASHED, "has no attribute 'nothing' .evaluator.py, line"),
        ("return [1.0]", Outcome.CRASHED, "must return a dict of metrics, found list"),
        ("return {'a': 1.0, 'b': 2.0}", Outcome.INVALID, "'combined_score' or a single metric, found a, b"),
        ("return {'combined_score': float('nan')}", Outcome.INVALID, "found no number"),
        ("return {'a\\tb': 1.0}", Outcome.INVALID, "plain words"),
        ("return {str(i): 1.0 for i in range(65)}", Outcome.CRASHED, "at most 64"),
        ("open('/etc/passwd').read()", Outcome.CRASHED, "PermissionError"),
        ("import subprocess, sys; subprocess.run([sys.executable, '-V'])", Outcome.CRASHED, "PermissionError"),
        ("import tempfile; tempfile.NamedTemporaryFile('w')", Outcome.CRASHED, "Error"),
    ],
)
def test_failures_are_outcomes_with_a_sentence(
    sandbox: Sandbox, tmp_path: Path, body: str, outcome: Outcome, said: str
) -> None:
    evaluator = f"{LOADS_THE_PROGRAM}\n\ndef evaluate(program_path):\n    {body}\n"
    evaluation = played(sandbox, task_folder(tmp_path / "line", evaluator))
    assert evaluation.outcome is outcome, detail(evaluation)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(detail(evaluation))


def test_the_time_limit_is_the_users(sandbox: Sandbox, tmp_path: Path) -> None:
    evaluator = "def evaluate(program_path):\n    while True:\n        pass\n"
    evaluation = played(sandbox, task_folder(tmp_path / "line", evaluator), seconds=1)
    assert evaluation.outcome is Outcome.TIMED_OUT


def test_its_initial_program_is_found_and_its_libraries_are_seen(tmp_path: Path) -> None:
    folder = task_folder(
        tmp_path / "line", "def evaluate(p):\n    import scipy.special\n    import truth\n    import os\n"
    )
    assert registry.problem(str(folder)).task.libraries == ("numpy", "scipy")
    assert [program.name for program in founding_programs(str(folder), [])] == ["initial_program"]


def test_names_that_the_evaluator_uses_are_the_entry_points(tmp_path: Path) -> None:
    task = registry.problem(str(task_folder(tmp_path / "line", USUAL))).task
    assert [point.signature for point in task.entry_points] == ["line(x)"]
    assert system_text(task, ReplyForm.FULL).count("scores -1 if it fails") == 1  # and speaks of no weak baseline


def test_a_folder_without_evaluate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="defines no function evaluate"):
        registry.problem(str(task_folder(tmp_path / "one", "def other():\n    pass\n")))
    with pytest.raises(ContractError, match="does not parse"):
        registry.problem(str(task_folder(tmp_path / "two", "def evaluate(:\n")))


def test_the_folders_files_are_part_of_the_tasks_identity_and_outputs_are_not(tmp_path: Path) -> None:
    folder = task_folder(tmp_path / "line", USUAL)
    first = registry.problem(str(folder)).task.identity
    (folder / "evenkeel.db").write_bytes(b"an archive")
    (folder / "evenkeel.db-wal").write_bytes(b"its log")
    assert registry.problem(str(folder)).task.identity == first
    (folder / "data" / "points.json").write_text("[1.0]")
    assert registry.problem(str(folder)).task.identity != first


def test_combined_score_is_the_objective_if_it_is_there() -> None:
    assert objective({"a": 2.0, "combined_score": 1.0}) == 1.0
    assert objective({"accuracy": 0.75}) == 0.75
    with pytest.raises(CandidateFailure):
        objective({})


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
@example(-6004799503160661.0, -9007199254740994.0)
def test_scores_keep_the_order_and_stay_above_a_failure(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert FLOOR <= score(low) <= score(high) < math.inf
    assert score(max(a, 0.0)) == max(a, 0.0)
