from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archive.store import Archive
from evaluators import jsonable
from evaluators.contract import Evaluation, Outcome
from evolve.version import software_version
from tests.end_to_end.commands import evolve, evolve_json, evolve_rows, started
from tests.postgres import PostgresServer

TOY = ("run", "toy", "--final-tier", "quick", "--workers", "1")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive in which a run has ended."""
    folder = tmp_path_factory.mktemp("finished")
    done = evolve(folder, *TOY, "--attempts", "12", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert "hold-out" in done.stdout
    return folder


def run_ids(folder: Path) -> list[str]:
    return [str(row["run"]) for row in evolve_rows(folder, "runs")]


def test_a_run_names_every_baseline_and_judges_the_champion(tmp_path: Path) -> None:
    done = evolve(tmp_path, *TOY, "--attempts", "8", "--seed", "3")
    assert done.returncode == 0, done.stderr
    for name in ("half", "median", "initial"):
        assert name in done.stdout
    assert "champion" in done.stdout or "No evolved program" in done.stdout
    assert "starting the evaluation workers" in done.stderr  # progress goes to stderr


def test_a_champion_without_a_hold_out_score_is_named_and_nothing_is_claimed(tmp_path: Path) -> None:
    better = "def guess(hints):\n    middle = sorted(hints)[15:-15]\n    return float(sum(middle) / len(middle))\n"
    (tmp_path / "replies.jsonl").write_text(json.dumps({"source": better}) + "\n")
    words = ("--proposer", "recorded", "--replies", "replies.jsonl", "--attempts", "1", "--finalists", "0")
    done = evolve(tmp_path, *TOY, *words, "--set", "hints=60", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert "has no paired interval on the hold-out, so nothing is claimed" in done.stdout
    rows = [line.split()[1:3] for line in done.stdout.splitlines()]
    assert ["champion", "-"] in rows


def test_run_as_json_ends_with_the_documented_object(tmp_path: Path) -> None:
    found = evolve_json(tmp_path, *TOY, "--attempts", "5", "--seed", "1")
    assert set(found) == {"run", "task", "attempts", "outcomes", "best", "looks", "seconds", "usd"}
    assert found["attempts"] == 5
    best = found["best"]
    assert isinstance(best, dict)
    assert set(best) == {"id", "holdout", "holdout_low", "holdout_high"}
    assert best["holdout_low"] <= best["holdout"] <= best["holdout_high"]


def test_leaderboard_lists_the_documented_rows(finished: Path) -> None:
    rows = evolve_rows(finished, "leaderboard")
    wanted = {"rank", "id", "name", "task", "baseline", "holdout", "holdout_low", "holdout_high"}
    wanted |= {"validation", "search", "environment", "task_identity", "parameters", "tier", "planner_clock"}
    assert all(wanted == set(row) for row in rows)
    assert {(str(row["parameters"]), row["tier"], row["planner_clock"]) for row in rows if row["rank"]} == {
        ("{'hints': 8}", "quick", "measured")
    }
    ranked = [row for row in rows if row["rank"] is not None]
    assert [row["rank"] for row in ranked] == sorted(int(str(row["rank"])) for row in ranked)
    assert {"half", "median"} <= {row["name"] for row in rows if row["baseline"]}


def test_the_leaderboard_fits_eighty_columns(finished: Path) -> None:
    printed = evolve(finished, "leaderboard", env={"COLUMNS": "80"}).stdout
    assert "median *" in printed
    assert max(len(line) for line in printed.splitlines() if not line.startswith("[")) <= 80


def test_a_task_that_is_not_in_the_archive_is_said(finished: Path) -> None:
    misspelt = evolve(finished, "leaderboard", "tooy")
    assert (misspelt.returncode, misspelt.stdout) == (1, "")
    assert "there is no task 'tooy'; did you mean 'toy'?" in misspelt.stderr
    other = evolve(finished, "leaderboard", "job_shop")
    assert (other.returncode, other.stdout) == (1, "")
    assert "nothing of the task job_shop is scored in this archive; it holds toy" in other.stderr


def test_parameters_of_programs_evaluated_by_hand_are_told(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def guess(hints):\n    return hints.mean()\n")
    for setting in ("hints=8", "hints=30"):
        done = evolve(tmp_path, "evaluate", "mine.py", "--task", "toy", "--set", setting)
        assert done.returncode == 0, done.stderr
    printed = evolve(tmp_path, "leaderboard").stdout
    assert "  hints=8\n" in printed
    assert "  hints=30\n" in printed
    assert sorted(str(row["parameters"]) for row in evolve_rows(tmp_path, "leaderboard")) == [
        "{'hints': 30}",
        "{'hints': 8}",
    ]


def test_show_tells_where_a_program_came_from(finished: Path) -> None:
    evolved = next(
        row for row in evolve_rows(finished, "leaderboard") if not row["baseline"] and row["name"] != "initial"
    )
    shown = evolve(finished, "show", str(evolved["id"])[:8], "--diff", "initial")
    assert shown.returncode == 0, shown.stderr
    assert "by genetic" in shown.stdout
    assert "--- initial" in shown.stdout
    source = evolve(finished, "show", str(evolved["id"])[:8], "--source")
    assert "def guess" in source.stdout


def test_runs_lists_what_was_run(finished: Path) -> None:
    (row,) = evolve_rows(finished, "runs")
    assert (row["task"], row["status"], row["attempts"]) == ("toy", "finished", 12)


def test_resuming_a_finished_run_with_more_attempts_goes_on(tmp_path: Path) -> None:
    evolve_json(tmp_path, *TOY, "--attempts", "4", "--seed", "1")
    found = evolve_json(tmp_path, "resume", run_ids(tmp_path)[0], "--attempts", "9")
    assert found["attempts"] == 9
    fewer = evolve(tmp_path, "resume", run_ids(tmp_path)[0], "--attempts", "2")
    assert "has asked 9 times already" in fewer.stderr
    assert "for 2 more: --attempts 11" in fewer.stderr


def test_evaluate_scores_a_file_and_remembers_it(finished: Path) -> None:
    program = finished / "mine.py"
    program.write_text("def guess(hints):\n    return hints.mean()\n")
    done = evolve(finished, "evaluate", "mine.py", "--task", "toy", "--split", "holdout", "--json")
    evaluation = jsonable.loads(Evaluation, done.stdout)
    assert evaluation.outcome is Outcome.SCORED
    assert any(row["holdout"] == evaluation.objective for row in evolve_rows(finished, "leaderboard"))


def test_a_baseline_is_evaluated_by_its_name(finished: Path) -> None:
    found = evolve_json(finished, "evaluate", "median", "--task", "toy", "--seed", "7")
    assert found["outcome"] == "scored"


def test_the_version_is_what_results_carry(tmp_path: Path) -> None:
    assert evolve(tmp_path, "--version").stdout == software_version() + "\n"


def test_a_run_whose_process_died_is_not_said_to_be_running(tmp_path: Path) -> None:
    process = started(tmp_path, *TOY, "--attempts", "100000", "--seed", "1")
    assert process.stderr is not None
    for line in process.stderr:
        if ": search" in line:
            break
    (row,) = evolve_rows(tmp_path, "runs")
    assert row["status"] == "running"
    process.kill()
    process.communicate(timeout=60)
    (row,) = evolve_rows(tmp_path, "runs")
    assert row["status"] == "no sign of life"
    one = evolve(tmp_path, "runs", str(row["run"])).stdout
    assert "no sign of life" in one
    assert "stopped, twin or failed" in one


def test_a_run_can_start_from_an_archived_program(finished: Path) -> None:
    initial = next(str(row["id"]) for row in evolve_rows(finished, "leaderboard") if row["name"] == "initial")
    found = evolve_json(finished, *TOY, "--attempts", "8", "--seed", "9", "--from", initial[:10])
    assert found["attempts"] == 8


def test_tasks_describes_parameters_and_entry_points(tmp_path: Path) -> None:
    assert {"toy", "expert_replication"} <= {row["name"] for row in evolve_rows(tmp_path, "tasks")}
    text = evolve(tmp_path, "tasks", "--describe", "toy").stdout
    assert "guess(hints: float64[n])" in text
    assert "hints=8 (integer, 1..1000)" in text


def test_tables_of_tasks_stay_within_the_terminal(tmp_path: Path) -> None:
    listed = evolve(tmp_path, "tasks", env={"COLUMNS": "80"}).stdout
    assert max(map(len, listed.splitlines())) <= 80
    described = evolve(tmp_path, "tasks", "--describe", "expert_replication").stdout
    _, _, entries = described.partition("entry points\n")
    lines = entries.partition("\nmetrics")[0].splitlines()
    assert all(line.startswith("  ") for line in lines if line)
    assert lines[-1]  # one empty line before the metrics, not two


def test_doctor_names_the_layers(tmp_path: Path) -> None:
    done = evolve(tmp_path, "doctor")
    assert done.returncode == 0, done.stderr
    assert "seccomp" in done.stdout
    assert json.loads(evolve(tmp_path, "doctor", "--json").stdout)


BLOCK = "# EVOLVE-BLOCK-START\n{}\n# EVOLVE-BLOCK-END\n"
BAD_INPUT = {
    "unknown task": (("run", "expert_replicaton"), "did you mean 'expert_replication'"),
    "unknown parameter": (("run", "toy", "--set", "hint=3"), "did you mean 'hints'"),
    "parameter out of range": (("run", "toy", "--set", "hints=0"), "expected a value from 1 to 1000, found 0"),
    "no equals sign": (("run", "toy", "--set", "hints"), "expected --set NAME=VALUE"),
    "missing program": (("evaluate", "none.py", "--task", "toy"), "cannot read the program none.py"),
    "missing initial": (("run", "toy", "--initial", "none.py"), "cannot read the program none.py"),
    "binary program": (("evaluate", "binary.py", "--task", "toy"), "is not UTF-8 text"),
    "unknown config key": (("run", "toy", "--config", "bad.toml"), "did you mean 'attempts'"),
    "broken config": (("run", "toy", "--config", "broken.toml"), "is not a TOML file"),
    "missing config": (("run", "toy", "--config", "none.toml"), "cannot read the run file"),
    "not an archive": (("runs", "--archive", "sqlite:///binary.py"), "binary.py"),
    "no archive": (("runs", "--archive", "sqlite:///none.db"), "there is no archive at"),
    "no such folder": (("run", "toy", "--archive", "sqlite:///none/x.db"), "none"),
    "bad url": (("runs", "--archive", "nonsense"), "expected sqlite:///"),
    "no server": (("runs", "--archive", "postgresql+psycopg://u:secret@127.0.0.1:1/x"), "127.0.0.1"),
    "unknown run": (("resume", "abcdefgh", "--archive", "sqlite:///made.db"), "abcdefgh"),
    "unknown candidate": (("show", "abcdef12", "--archive", "sqlite:///made.db"), "abcdef12"),
    "broken initial": (("run", "toy", "--initial", "syntax.py", "--archive", "sqlite:///made.db"), "cannot be scored"),
    "no entry point": (("run", "toy", "--initial", "other.py", "--archive", "sqlite:///made.db"), "guess"),
    "nothing may change": (("run", "toy", "--initial", "empty.py"), "has no EVOLVE-BLOCK"),
    "missing replies": (("run", "toy", "--proposer", "recorded", "--replies", "none.jsonl"), "none.jsonl"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_exit_1(case: str, tmp_path: Path) -> None:
    words, complaint = BAD_INPUT[case]
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe" * 600)
    (tmp_path / "bad.toml").write_text("atempts = 3\n")
    (tmp_path / "broken.toml").write_text("attempts =\n")
    (tmp_path / "syntax.py").write_text(BLOCK.format("def guess(:"))
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "other.py").write_text(BLOCK.format("x = 1"))
    Archive.open(f"sqlite:///{tmp_path}/made.db").close()
    done = evolve(tmp_path, *words)
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert complaint in errors[0]
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    "words", [("run",), ("frobnicate",), ("run", "toy", "--attempts", "many"), ("run", "toy", "--x")]
)
def test_usage_errors_exit_2(words: tuple[str, ...], tmp_path: Path) -> None:
    assert evolve(tmp_path, *words).returncode == 2


def test_a_run_without_a_scored_candidate_exits_3(tmp_path: Path) -> None:
    (tmp_path / "replies.jsonl").write_text('{"source": "1/0"}\n{"source": "def guess(:"}\n')
    words = ("--proposer", "recorded", "--replies", "replies.jsonl", "--attempts", "2")
    done = evolve(tmp_path, *TOY, *words)
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_exits_130_and_resumes(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path, *TOY, "--attempts", "100000", "--seed", "1")
    assert process.stderr is not None
    for line in process.stderr:
        if ": search" in line:
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "evolve resume" in errors
    (row,) = evolve_rows(tmp_path, "runs")
    assert row["status"] == "interrupted"
    found = evolve_json(tmp_path, "resume", str(row["run"]), "--attempts", str(int(str(row["attempts"])) + 5))
    assert found["attempts"] == int(str(row["attempts"])) + 5


def test_stop_from_another_terminal_ends_the_run(tmp_path: Path) -> None:
    process = started(tmp_path, *TOY, "--attempts", "100000", "--seed", "1")
    assert process.stderr is not None
    for line in process.stderr:
        if ": search" in line:
            break
    held = evolve(tmp_path, "resume", run_ids(tmp_path)[0])
    assert held.returncode == 1
    assert str(process.pid) in held.stderr  # a live owner is named
    assert evolve(tmp_path, "stop", run_ids(tmp_path)[0]).returncode == 0
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_killed_run_resumes_without_loss(tmp_path: Path) -> None:
    process = started(tmp_path, *TOY, "--attempts", "100000", "--seed", "1")
    assert process.stderr is not None
    for line in process.stderr:
        if ": search" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    with Archive.open(f"sqlite:///{tmp_path}/evenkeel.db") as archive:
        (run,) = archive.runs()
        before = {(s.candidate_id, s.evaluation.tier, s.evaluation.split) for s in archive.evaluations_of_run(run.id)}
        asked = len(archive.attempts(run.id))
    found = evolve_json(tmp_path, "resume", run.id, "--attempts", str(asked + 5))
    assert found["attempts"] == asked + 5
    with Archive.open(f"sqlite:///{tmp_path}/evenkeel.db") as archive:
        stored = archive.evaluations_of_run(run.id)
    after = [(s.candidate_id, s.evaluation.tier, s.evaluation.split) for s in stored]
    assert before <= set(after)
    assert len(after) == len(set(after))


def test_a_run_lives_in_postgresql_as_in_sqlite(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_schema()
    found = evolve_json(tmp_path, *TOY, "--attempts", "5", "--seed", "1", "--archive", url)
    again = evolve_json(tmp_path, "resume", str(found["run"]), "--attempts", "8", "--archive", url)
    assert (found["attempts"], again["attempts"]) == (5, 8)
    rows = evolve_rows(tmp_path, "leaderboard", "--archive", url)
    assert {"half", "median", "initial"} <= {str(row["name"]) for row in rows}
    assert list(tmp_path.iterdir()) == []


ENGINE = """#!/bin/sh
# Stands in for a container engine: answers `info`, and runs the worker of `run ... IMAGE python -m evaluators.worker`.
[ "$1" = info ] && exit 0
echo "$@" >> "$(dirname "$0")/asked"
exec {python} -m evaluators.worker
"""


def test_workers_run_in_a_container_where_an_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "docker").write_text(ENGINE.format(python=sys.executable))
    (tmp_path / "docker").chmod(0o755)
    named = {"EVENKEEL_WORKER_IMAGE": "evenkeel:test", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = evolve(tmp_path, *TOY, "--attempts", "3", "--seed", "1", env=named)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text()
    assert "--network none" in asked
    assert "evenkeel:test python -m evaluators.worker" in asked


def test_an_image_without_an_engine_is_refused(tmp_path: Path) -> None:
    done = evolve(tmp_path, *TOY, "--attempts", "3", env={"EVENKEEL_WORKER_IMAGE": "x", "PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "expected a container engine" in done.stderr


HEAVY = ("openai", "numpy", "sqlalchemy", "torch", "streamlit")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom evolve.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"assert not [m for m in {HEAVY!r} if m in sys.modules]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "tasks",
        "run",
        "resume",
        "runs",
        "stop",
        "evaluate",
        "leaderboard",
        "show",
        "compare",
        "verify",
        "export",
        "doctor",
        "archive",
    ],
)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    done = evolve(tmp_path, command, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 4


BARE = ("openai", "sqlalchemy", "alembic", "pydantic", "typer", "rich", "streamlit")


def test_the_one_shot_evaluator_works_on_a_bare_machine(tmp_path: Path) -> None:
    program = tmp_path / "mine.py"
    program.write_text("def guess(hints):\n    return hints.mean()\n")
    words = ["--task", "toy", "--program", str(program), "--json", "--out", str(tmp_path / "r.json")]
    code = (
        f"import sys\nfor name in {BARE!r}:\n    sys.modules[name] = None\n"
        f"from evaluators.run import main\nsys.exit(main({words!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert jsonable.loads(Evaluation, done.stdout).outcome is Outcome.SCORED
    assert (tmp_path / "r.json").read_text() == done.stdout


@pytest.mark.parametrize(("split", "told"), [("search", True), ("holdout", False)])
def test_the_one_shot_evaluator_tells_a_person_what_a_proposer_is_told(tmp_path: Path, split: str, told: bool) -> None:
    program = tmp_path / "mine.py"
    program.write_text("def guess(hints):\n    return hints.mean()\n")
    words = [sys.executable, "-m", "evaluators.run", "--task", "toy", "--program", str(program), "--split", split]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ("skewed: mean score" in done.stdout) is told


def test_the_one_shot_evaluator_repeats_with_its_seed(tmp_path: Path) -> None:
    program = tmp_path / "mine.py"
    program.write_text("def guess(hints):\n    return hints.mean()\n")
    words = [sys.executable, "-m", "evaluators.run", "--task", "toy", "--program", str(program), "--json", "--seed"]
    found = [
        jsonable.loads(Evaluation, subprocess.run([*words, seed], capture_output=True, text=True, check=True).stdout)
        for seed in ("4", "4", "5")
    ]
    assert found[0].instances == found[1].instances
    assert found[0].instances != found[2].instances
