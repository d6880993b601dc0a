from __future__ import annotations

from pathlib import Path

import pytest

from archive.records import candidate_id
from tests.end_to_end.commands import evolve, evolve_json, evolve_rows

WANTED = {"a", "b", "task", "parameters", "tier", "split", "seeds", "environment", "instances"}
WANTED |= {"difference", "low", "high", "p", "regimes", "verdict"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the archive of an ended run, and some programs."""
    folder = tmp_path_factory.mktemp("compare")
    words = ("run", "toy", "--final-tier", "quick", "--workers", "1", "--attempts", "3", "--seed", "1")
    assert evolve(folder, *words).returncode == 0
    (folder / "mean.py").write_text("def guess(hints):\n    return hints.mean()\n")
    (folder / "far.py").write_text("def guess(hints):\n    return hints.mean() + 0.3\n")
    (folder / "broken.py").write_text("def guess(hints):\n    return 1 / 0\n")
    (folder / "elsewhere.py").write_text("def guess(hints):\n    return hints.mean() - 0.3\n")
    other = evolve(folder, "evaluate", "elsewhere.py", "--task", "toy", "--set", "hints=3", "--split", "holdout")
    assert other.returncode == 0, other.stderr
    return folder


def ids(folder: Path) -> dict[str, str]:
    return {str(row["name"]): str(row["id"]) for row in evolve_rows(folder, "leaderboard")}


def test_archived_programs_are_compared_without_running_them_again(finished: Path) -> None:
    known = ids(finished)
    found = evolve_json(finished, "compare", known["median"][:12], known["half"])
    assert set(found) == WANTED
    assert (found["tier"], found["split"], found["instances"]) == ("quick", "holdout", 12)
    assert float(str(found["low"])) <= float(str(found["difference"])) <= float(str(found["high"]))
    shown = evolve(finished, "compare", known["median"][:12], known["half"])
    assert str(found["verdict"]) in shown.stdout
    assert "skewed" in shown.stdout


def test_a_baseline_goes_by_its_name(finished: Path) -> None:
    known = ids(finished)
    found = evolve_json(finished, "compare", "median", "half")
    assert found["difference"] == evolve_json(finished, "compare", known["median"], known["half"])["difference"]
    assert str(found["verdict"]).startswith("median is ")
    assert evolve_json(finished, "show", "median")["id"] == known["median"]
    unknown = evolve(finished, "compare", "median", "mediann")
    assert unknown.returncode == 1
    assert "the name of a program that a run began with, found 'mediann'" in unknown.stderr


def test_files_are_evaluated_and_remembered(finished: Path) -> None:
    words = ("compare", "mean.py", "far.py", "--task", "toy", "--tier", "full")
    found = evolve_json(finished, *words)
    assert str(found["verdict"]).startswith("mean is better than far on the hold-out")
    assert float(str(found["low"])) > 0
    assert evolve_json(finished, *words) == found
    back = evolve_json(finished, "compare", "far.py", "mean.py", "--task", "toy", "--tier", "full")
    assert back["difference"] == -float(str(found["difference"]))


def test_an_id_and_a_file_on_another_split(finished: Path) -> None:
    found = evolve_json(
        finished, "compare", ids(finished)["half"], "mean.py", "--task", "toy", "--split", "validation", "--seed", "5"
    )
    assert found["split"] == "validation"


def test_a_program_that_fails_has_no_difference(finished: Path) -> None:
    found = evolve_json(finished, "compare", "broken.py", "mean.py", "--task", "toy", "--tier", "quick")
    assert found["difference"] is None
    assert "broken ended as crashed" in str(found["verdict"])


BAD_INPUT = {
    "unknown id": (("abcdef123", "abcdef124"), "no archived candidate"),
    "short id": (("ab", "abcdef12"), "at least 4 hex digits"),
    "missing file": (("none.py", "far.py", "--task", "toy"), "cannot read the program none.py"),
    "file without task": (("mean.py", "far.py"), "say its task with --task"),
    "settings without task": (("MEDIAN", "HALF", "--set", "hints=3"), "--set needs --task"),
    "unknown task": (("mean.py", "far.py", "--task", "tyo"), "did you mean 'toy'"),
    "other parameters": (("MEDIAN", "ELSEWHERE"), "were not scored on the same task"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_exit_1(case: str, finished: Path) -> None:
    words, complaint = BAD_INPUT[case]
    known = ids(finished)
    elsewhere = candidate_id((finished / "elsewhere.py").read_text())
    names = {"MEDIAN": known["median"], "HALF": known["half"], "ELSEWHERE": elsewhere}
    done = evolve(finished, "compare", *(names.get(word, word) for word in words))
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert complaint in errors[0]
    assert "Traceback" not in done.stderr
