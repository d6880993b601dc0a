"""A task of one's own, from `evolve new-task` to the leaderboard, in a folder outside the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.contract import SELF_SCORED
from tests.end_to_end.commands import evolve, evolve_json, evolve_rows

EVALUATOR = """
import importlib.util


def evaluate(program_path):
    spec = importlib.util.spec_from_file_location("program", program_path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return {"combined_score": -abs(program.value() - 7.0)}
"""
INITIAL = "# EVOLVE-BLOCK-START\nVALUE = 2.0\n\n\ndef value():\n    return VALUE\n# EVOLVE-BLOCK-END\n"
BRIEF = ("--workers", "1", "--final-tier", "quick", "--seed", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `shop` was made and run."""
    folder = tmp_path_factory.mktemp("place")
    made = evolve(folder, "new-task", "shop")
    assert made.returncode == 0, made.stderr
    assert "evolve run ./shop" in made.stdout
    done = evolve(folder, "run", "./shop", "--attempts", "6", *BRIEF)
    assert done.returncode == 0, done.stderr
    assert "round_robin" in done.stdout
    return folder


def test_a_new_task_passes_its_own_tests(place: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "shop/tests"]
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_run_of_a_folder_resumes_and_is_ranked_by_the_tasks_name(place: Path) -> None:
    (row,) = evolve_rows(place, "runs")
    assert row["task"] == "shop"
    resumed = evolve(place, "resume", str(row["run"]), "--attempts", "8")
    assert resumed.returncode == 0, resumed.stderr
    rows = evolve_rows(place, "leaderboard", "shop")
    assert {"initial", "round_robin"} <= {row["name"] for row in rows}


def test_files_of_the_folder_are_evaluated_described_compared_and_verified(place: Path) -> None:
    described = evolve(place, "tasks", "--describe", "./shop")
    assert "assign(sizes" in described.stdout
    words = ("evaluate", "shop/seeds/initial.py", "--task", "./shop", "--set", "machines=3")
    assert evolve_json(place, *words)["task"] == "shop"
    best, *_, last = [row for row in evolve_rows(place, "leaderboard", "shop") if row["rank"] is not None]
    compared = evolve_json(place, "compare", str(best["id"]), str(last["id"]), "--tier", "quick")
    assert compared["task"] == "shop"
    verified = evolve(place, "verify", str(best["id"]), "--replay-only")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_after_an_edit_old_and_new_scores_do_not_meet(place: Path) -> None:
    score = place / "shop" / "score.py"
    text = score.read_text()
    (row,) = evolve_rows(place, "runs")
    try:
        score.write_text(text.replace("1e-9", "1e-8"))
        resumed = evolve(place, "resume", str(row["run"]), "--attempts", "9")
    finally:
        score.write_text(text)
    assert resumed.returncode == 1
    assert "their scores do not compare" in resumed.stderr


def test_errors_are_one_sentence(place: Path) -> None:
    for words, said in (
        (("new-task", "shop"), "there already"),
        (("new-task", "Print-Shop"), "such as print_shop"),
        (("run", "shop"), "say ./shop"),
        (("run", "./nowhere"), "there is no folder ./nowhere"),
        (("run", "./shop/seeds"), "is no task"),
    ):
        done = evolve(place, *words)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_public_form_task_runs_as_it_is_and_is_marked_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "seven"
    folder.mkdir()
    (folder / "evaluator.py").write_text(EVALUATOR)
    (folder / "initial_program.py").write_text(INITIAL)
    done = evolve(tmp_path, "run", "./seven", "--attempts", "6", *BRIEF)
    assert done.returncode == 0, done.stderr
    assert SELF_SCORED in done.stderr
    assert "Winner's curse" not in done.stdout  # every seed gives the same score: a fresh one says nothing
    board = evolve(tmp_path, "leaderboard").stdout
    assert SELF_SCORED in board
    rows = evolve_rows(tmp_path, "leaderboard")
    assert all(row["task"] == "seven_self_scored" for row in rows)
    assert all(SELF_SCORED in str(row["environment"]) for row in rows)
    assert max(float(str(row["search"])) for row in rows) > -5 / 6  # of VALUE = 2, squeezed
    assert SELF_SCORED in evolve(tmp_path, "show", str(rows[0]["id"])).stdout
