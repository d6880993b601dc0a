"""The Python API gives what the command line gives, as values."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from archive.records import ArchiveError
from archive.store import Archive
from evaluators import registry
from evaluators.contract import ContractError, Outcome, Split, Tier
from evolve import api
from evolve.errors import EvolveError
from tests.end_to_end.commands import evolve_json, evolve_rows

SEEDS = Path(__file__).parents[2] / "seeds" / "toy"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def report(folder: Path) -> api.RunReport:
    """A run that was ended and taken up again."""
    config = api.RunConfig(task="toy", attempts=4, seed=1, workers=1, final_tier=Tier.QUICK)
    first = api.run(config, archive=url(folder))
    assert sum(first.outcomes.values()) == 4
    return api.resume(first.run_id, attempts=8, archive=url(folder))


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/evenkeel.db"


def test_a_run_reports_its_verdict(report: api.RunReport) -> None:
    assert (report.task, sum(report.outcomes.values())) == ("toy", 8)
    assert report.verdict is not None
    assert {"initial", "half", "median"} <= {row.name for row in report.verdict.standings}
    assert report.verdict.champion.holdout is not None


@pytest.mark.parametrize("tier", [None, Tier.QUICK])
def test_the_hold_out_is_ranked_at_the_tasks_tier_unless_another_is_named(tmp_path: Path, tier: Tier | None) -> None:
    ranked = tier or registry.problem("toy").task.ranking_tier
    done = api.run(api.RunConfig(task="toy", attempts=1, seed=1, workers=1, final_tier=tier), archive=url(tmp_path))
    with Archive.open(url(tmp_path), create=False) as archive:
        rows = archive.evaluations_of_run(done.run_id)
    assert {row.evaluation.tier for row in rows if row.evaluation.split is Split.HOLDOUT} == {ranked}
    assert ranked is (tier or Tier.FULL)


def test_a_run_whose_hold_out_cannot_be_played_ends_before_its_search(tmp_path: Path) -> None:
    drawn = random.Random(0)
    durations = [drawn.choices(range(1, 99), k=6) for _ in range(8)]
    shop = {"d": durations, "m": [drawn.sample(range(6), 6) for _ in range(8)]}
    one_machine = {"d": [[3], [4]], "m": [[0], [0]]}  # the third of a file is the hold-out's
    path = tmp_path / "shops.json"
    path.write_text(json.dumps({"a": shop, "b": shop, "c": one_machine}))
    config = api.RunConfig(task="job_shop", set={"instances": str(path)}, attempts=3, seed=1, workers=1)
    with pytest.raises(EvolveError, match="^the instances of holdout, tier full, cannot be drawn: instances: nothing"):
        api.run(config, archive=url(tmp_path))
    with Archive.open(url(tmp_path), create=False) as archive:
        (run,) = archive.runs()
        assert not archive.evaluations_of_run(run.id)


def test_the_leaderboard_is_the_command_lines(folder: Path, report: api.RunReport) -> None:
    rows = api.leaderboard("toy", archive=url(folder))
    assert [(row.candidate_id, row.rank, row.holdout) for row in rows] == [
        (row["id"], row["rank"], row["holdout"]) for row in evolve_rows(folder, "leaderboard", "toy")
    ]
    assert report.verdict is not None
    assert report.verdict.champion_id in {row.candidate_id for row in rows}


def test_an_evaluation_is_the_command_lines(folder: Path) -> None:
    found = api.evaluate(SEEDS / "initial.py", "toy", settings={"hints": 20}, seed=3, archive=url(folder))
    words = ("evaluate", str(SEEDS / "initial.py"), "--task", "toy", "--set", "hints=20", "--seed", "3")
    assert found.outcome is Outcome.SCORED
    assert found.objective == evolve_json(folder, *words)["objective"]


def test_programs_are_compared_by_file_and_by_id(folder: Path, report: api.RunReport) -> None:
    files = [str(SEEDS / "baselines" / name) for name in ("median.py", "half.py")]
    found = api.compare(*files, task="toy", split=Split.SEARCH, tier=Tier.QUICK, archive=url(folder))
    assert "median is better than half" in found.verdict
    assert report.verdict is not None
    ids = [row.candidate_id for row in report.verdict.standings[:2]]
    assert api.compare(*ids, archive=url(folder)).instances >= 12


def test_what_is_wrong_is_raised(folder: Path) -> None:
    assert api.describe("toy").objective == "score"
    with pytest.raises(ContractError, match="did you mean 'toy'"):
        api.describe("toyy")
    with pytest.raises(ArchiveError):
        api.resume("nobody", archive=url(folder))


def test_a_setting_that_does_not_exist_is_an_error_of_ours() -> None:
    with pytest.raises(EvolveError, match="unknown key 'atempts'; did you mean 'attempts'"):
        api.RunConfig(task="toy", atempts=3)  # type: ignore[call-arg]


def test_a_misspelt_task_is_no_empty_ranking(folder: Path, report: api.RunReport) -> None:
    with pytest.raises(EvolveError, match="there is no task 'tooy'; did you mean 'toy'"):
        api.leaderboard("tooy", archive=url(folder))


def test_the_example_of_the_docs_runs(tmp_path: Path) -> None:
    _, _, rest = (Path(__file__).parents[2] / "docs" / "api.md").read_text().partition("```python\n")
    words = [sys.executable, "-c", rest.partition("```")[0]]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "median" in done.stdout  # the last lines are the ranking
