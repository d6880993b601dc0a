from __future__ import annotations

import json
from pathlib import Path

import pytest

from archive.records import candidate_id
from tests.end_to_end.commands import evolve, evolve_json, evolve_rows


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive of an ended run."""
    folder = tmp_path_factory.mktemp("export")
    words = ("run", "toy", "--final-tier", "quick", "--workers", "1", "--attempts", "8", "--seed", "1")
    assert evolve(folder, *words).returncode == 0
    return folder


def evolved(folder: Path) -> str:
    founders = {"initial", "half", "median"}
    return next(str(row["id"]) for row in evolve_rows(folder, "leaderboard") if row["name"] not in founders)


def test_the_exported_program_scores_as_the_archived_one(finished: Path) -> None:
    program = evolved(finished)
    done = evolve(finished, "export", program[:12], "--out", "taken")
    assert done.returncode == 0, done.stderr
    source = (finished / "taken" / f"{program[:10]}.py").read_text()
    assert "EVOLVE-BLOCK" not in source
    assert "def guess" in source
    words = ("evaluate", f"taken/{program[:10]}.py", "--task", "toy", "--seed", "1")
    again = evolve_json(finished, *words)
    archived = evolve_json(finished, "show", program)["evaluations"]
    assert isinstance(archived, list)
    assert again["objective"] in [e["objective"] for e in archived if (e["tier"], e["split"]) == ("quick", "search")]


def test_the_card_tells_what_is_needed_to_believe_a_score(finished: Path) -> None:
    program = evolved(finished)
    found = evolve_json(finished, "export", program, "--out", "cards")
    (run,) = evolve_rows(finished, "runs")
    card = found["card"]
    assert isinstance(card, dict)
    assert card == json.loads((finished / "cards" / f"{program[:10]}.json").read_text())
    assert card["id"] == program
    assert card["origins"][0]["run"] == run["run"]
    assert "evenkeel" in card["origins"][0]["software"]
    assert card["lineage"][-1]["child"] == program
    score = next(s for s in card["scores"] if s["split"] == "search")
    assert score["parameters"] == {"hints": 8}
    assert score["low"] <= score["score"] <= score["high"]
    assert len(score["seeds"]) == 16
    text = (finished / "cards" / f"{program[:10]}.md").read_text()
    for part in (program, score["seeds"], "hints=8", "sandbox", f"of run {run['run']}", "evolve verify"):
        assert part in text


def test_a_program_scored_from_a_file_has_no_lineage(finished: Path) -> None:
    (finished / "mean.py").write_text("def guess(hints):\n    return hints.mean()")
    assert evolve(finished, "evaluate", "mean.py", "--task", "toy").returncode == 0
    program = candidate_id((finished / "mean.py").read_text())
    evolve_json(finished, "export", program, "--out", "files")
    assert "No attempt made it" in (finished / "files" / f"{program[:10]}.md").read_text()


def test_files_of_the_user_are_not_replaced_unasked(finished: Path) -> None:
    program = evolved(finished)
    folder = finished / "mine"
    folder.mkdir()
    (folder / f"{program[:10]}.py").write_text("mine\n")
    done = evolve(finished, "export", program, "--out", "mine")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert [path.name for path in folder.iterdir()] == [f"{program[:10]}.py"]
    assert evolve(finished, "export", program, "--out", "mine", "--force").returncode == 0
    assert evolve(finished, "export", program, "--out", "mine").returncode == 0  # equal files are no obstacle


@pytest.mark.parametrize(
    ("words", "complaint"), [(("abcdef123",), "no archived candidate"), (("xyz",), "at least 4 hex digits")]
)
def test_bad_input_is_one_sentence_and_exit_1(finished: Path, words: tuple[str, ...], complaint: str) -> None:
    done = evolve(finished, "export", *words)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
