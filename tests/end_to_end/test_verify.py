from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.end_to_end.commands import JsonObject, evolve, evolve_json, evolve_rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive of an ended run, and further evaluations of one program."""
    folder = tmp_path_factory.mktemp("verify")
    words = ("run", "toy", "--final-tier", "quick", "--workers", "1", "--attempts", "3")
    assert evolve(folder, *words).returncode == 0
    (folder / "mean.py").write_text("def guess(hints):\n    return hints.mean()\n")
    for more in (("--seed", "7"), ("--seed", "70000"), ("--set", "hints=3"), ("--split", "report")):
        done = evolve(folder, "evaluate", "mean.py", "--task", "toy", *more)
        assert done.returncode == 0, done.stderr
    (folder / "dice.py").write_text("import time\n\ndef guess(hints):\n    return time.perf_counter() % 1e-3\n")
    assert evolve(folder, "evaluate", "dice.py", "--task", "toy").returncode == 0
    return folder


@pytest.fixture
def tampered(finished: Path, tmp_path: Path) -> Path:
    """A copy of the archive to do harm to."""
    source = sqlite3.connect(finished / "evenkeel.db")
    with source, sqlite3.connect(tmp_path / "evenkeel.db") as copy:
        source.backup(copy)
    source.close()
    shutil.copy(finished / "mean.py", tmp_path)
    return tmp_path


def edit(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / "evenkeel.db")
    with connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def identity(folder: Path, name: str) -> str:
    return next(str(row["id"]) for row in evolve_rows(folder, "leaderboard") if row["name"] == name)


def program(folder: Path, name: str) -> str:
    from archive.records import candidate_id

    return candidate_id((folder / name).read_text())


def rows(found: JsonObject) -> list[JsonObject]:
    evaluations = found["evaluations"]
    assert isinstance(evaluations, list)
    return evaluations


def test_every_evaluation_of_a_run_is_reproduced(finished: Path) -> None:
    found = evolve_json(finished, "verify", identity(finished, "median")[:12])
    assert found["verified"] is True
    assert {(row["tier"], row["split"]) for row in rows(found)} >= {("quick", "search"), ("quick", "holdout")}
    assert {row["status"] for row in rows(found)} == {"reproduced"}
    fresh = rows(found)[-1]["fresh_seeds"]
    assert isinstance(fresh, dict)
    assert fresh["low"] <= fresh["difference"] <= fresh["high"]
    shown = evolve(finished, "verify", identity(finished, "median")[:12], "--replay-only")
    assert shown.returncode == 0
    assert "reproduced bit for bit" in shown.stdout


def test_the_summary_says_what_shrank_and_its_looks_are_reproduced(tmp_path: Path) -> None:
    programs = [f"def guess(hints):\n    return hints.mean() - {shift}\n" for shift in (0.02, 0.03, 0.04, 0.05)]
    (tmp_path / "replies.jsonl").write_text("\n".join(json.dumps({"source": source}) for source in programs))
    words = ("run", "toy", "--final-tier", "quick", "--workers", "1", "--seed", "1", "--set", "hints=40")
    recorded = ("--proposer", "recorded", "--replies", "replies.jsonl", "--attempts", "4")
    done = evolve(tmp_path, *words, *recorded)
    assert done.returncode == 0, done.stderr
    assert "Winner's curse: chosen for a validation gain of" in done.stdout
    (run,) = evolve_rows(tmp_path, "runs")
    looks = evolve_json(tmp_path, "resume", str(run["run"]))["looks"]
    assert isinstance(looks, list)
    assert set(looks[-1]) == {"after", "id", "chosen_gain", "fresh_gain", "low", "high", "shrank"}
    assert looks[-1]["low"] <= looks[-1]["fresh_gain"] <= looks[-1]["high"]
    found = evolve_json(tmp_path, "verify", looks[-1]["id"], "--all", "--replay-only")
    validations = [row for row in rows(found) if row["split"] == "validation"]
    assert len(validations) >= 2
    assert {row["status"] for row in validations} == {"reproduced"}


def test_seeds_that_nobody_can_know_are_said_and_can_be_told(finished: Path) -> None:
    words = ("verify", program(finished, "mean.py"), "--all", "--replay-only")
    found = evolve_json(finished, *words)
    by_status = [row["status"] for row in rows(found)]
    assert sorted(str(status) for status in by_status) == ["lost task", "reproduced", "reproduced", "unknown seeds"]
    told = evolve_json(finished, *words, "--seed", "70000")
    assert [row["status"] for row in rows(told)].count("reproduced") == 3
    assert "--seed N" in str(next(row["detail"] for row in rows(found) if row["status"] == "unknown seeds"))


def test_a_program_that_reads_the_clock_cannot_be_verified(finished: Path) -> None:
    done = evolve(finished, "verify", program(finished, "dice.py"), "--replay-only")
    assert done.returncode == 1
    assert "does not repeat itself" in done.stdout


EDITS = {
    "the score of a row": "UPDATE evaluations SET objective = 0.999 WHERE split = 'holdout' AND candidate_id = ?",
    "the score of an instance": (
        "UPDATE instances SET score = score + 1e-15 WHERE ordinal = 3 AND evaluation_id IN "
        "(SELECT id FROM evaluations WHERE split = 'holdout' AND candidate_id = ?)"
    ),
    "a metric": ("""UPDATE evaluations SET metrics = '{"error":0.0}' WHERE split = 'holdout' AND candidate_id = ?"""),
    "the split": "UPDATE evaluations SET split = 'report' WHERE split = 'holdout' AND candidate_id = ?",
}


@pytest.mark.parametrize("place", EDITS)
def test_an_edited_row_is_caught_and_named(tampered: Path, place: str) -> None:
    median = identity(tampered, "median")
    edit(tampered, EDITS[place], median)
    done = evolve(tampered, "verify", median, "--replay-only", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    caught = [row for row in found["evaluations"] if row["status"] == "tampered"]
    assert len(caught) == 1
    assert caught[0]["detail"].startswith(f"evaluation row {caught[0]['row']} (toy, quick, ")
    assert found["verified"] is False


def test_a_whole_row_edited_consistently_is_caught_by_replay(tampered: Path) -> None:
    half = identity(tampered, "half")
    where = "(SELECT id FROM evaluations WHERE split = 'holdout' AND candidate_id = ?)"
    edit(tampered, f"UPDATE instances SET score = 0.75 WHERE evaluation_id IN {where}", half)
    edit(tampered, "UPDATE evaluations SET objective = 0.75 WHERE split = 'holdout' AND candidate_id = ?", half)
    done = evolve(tampered, "verify", half, "--replay-only")
    assert done.returncode == 1
    assert "has score 0.75, replayed it has" in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"), [(("abcdef123",), "no archived candidate"), (("xyz",), "at least 4 hex digits")]
)
def test_bad_input_is_one_sentence_and_exit_1(finished: Path, words: tuple[str, ...], complaint: str) -> None:
    done = evolve(finished, "verify", *words)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
