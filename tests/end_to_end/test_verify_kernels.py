"""`evolve verify --kernels`, as far as it goes without a GPU: which programs it would replay, and what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evolve.cli.replaying import replayable
from tests.end_to_end.commands import evolve

BASELINES = Path(__file__).parents[2] / "seeds" / "expert_replication" / "baselines"


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with two placements and a program of another task."""
    folder = tmp_path_factory.mktemp("placed")
    for name in ("static", "eplb_global"):
        shutil.copy(BASELINES / f"{name}.py", folder)
        done = evolve(folder, "evaluate", f"{name}.py", "--task", "expert_replication")
        assert done.returncode == 0, done.stderr
    (folder / "mean.py").write_text("def guess(hints):\n    return hints.mean()\n")
    assert evolve(folder, "evaluate", "mean.py", "--task", "toy").returncode == 0
    return folder


def program(folder: Path, name: str) -> str:
    from archive.records import candidate_id

    return candidate_id((folder / name).read_text())


def test_the_candidate_and_its_league_are_replayed(placed: Path) -> None:
    found = replayable(f"sqlite:///{placed / 'evenkeel.db'}", program(placed, "static.py"))
    assert set(found.programs) == {program(placed, "static.py")[:10], program(placed, "eplb_global.py")[:10]}
    assert found.programs[program(placed, "static.py")[:10]] == (placed / "static.py").read_text()
    assert found.parameters == {}


def test_without_a_gpu_it_is_one_sentence(placed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = evolve(placed, "verify", program(placed, "static.py"), "--kernels")
    assert done.returncode == 1
    assert done.stderr.startswith("error: replaying on kernels needs ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_other_tasks_have_no_placements(placed: Path) -> None:
    done = evolve(placed, "verify", program(placed, "mean.py"), "--kernels")
    assert done.returncode == 1
    assert "--kernels replays placements of expert_replication; candidate" in done.stderr
    assert "was scored on toy" in done.stderr
