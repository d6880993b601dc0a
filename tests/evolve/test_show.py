"""`evolve show` where a user names something else, and where a program failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.errors import UnknownRecordError
from archive.store import Archive
from evolve.cli.show import show
from tests.evolve.outside.test_steps import REPLY, Scene, a_scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield a_scene(opened)


def test_a_run_is_said_to_be_one(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(UnknownRecordError, match=f"{scene.run.id} is a run.*`evolve runs {scene.run.id}`"):
        show(scene.run.id, archive=f"sqlite:///{tmp_path}/test.db")


def test_a_program_is_found_by_its_name_in_the_ranking(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = scene.answer(REPLY.format(change="none", value="sum(hints) / len(hints)"))
    url = f"sqlite:///{tmp_path}/test.db"
    show(f"{scene.run.id}/0", archive=url)
    assert f"candidate {told.candidate}" in capsys.readouterr().out
    with pytest.raises(UnknownRecordError, match=f"found '{scene.run.id}/7'"):
        show(f"{scene.run.id}/7", archive=url)


def test_a_failure_names_its_tier(scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = scene.answer(REPLY.format(change="none", value="'crash'"))
    show(str(told.candidate), archive=f"sqlite:///{tmp_path}/test.db")
    assert "failed in smoke: it failed" in capsys.readouterr().out
