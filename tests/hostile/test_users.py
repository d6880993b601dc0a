"""The corpus under the other sets of layers: as an ordinary user, and as root that becomes nobody in each child."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.probe import probe_machine
from tests.hostile.bubblewrap import bubblewrap_works
from tests.hostile.headers import ATTACKS
from tests.hostile.ordinary_user import NOBODY, ROOT, readable_by_others, readable_python, survey_as

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; the corpus itself ran as one"),
    pytest.mark.skipif(bool(probe_machine().missing), reason="this machine lacks seccomp or Landlock"),
]


@pytest.fixture(scope="module")
def shared_folder() -> Iterator[Path]:
    """Outside pytest's own folders, which no other user may enter."""
    with tempfile.TemporaryDirectory(prefix="evenkeel-users-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture(scope="module")
def python(shared_folder: Path) -> Path:
    if not readable_by_others(ROOT / "evaluators"):
        pytest.skip(f"other users may not read {ROOT}, so the corpus cannot run as one of them")
    return readable_python(shared_folder / "python")


def test_corpus_holds_for_an_ordinary_user(python: Path, shared_folder: Path) -> None:
    found = survey_as(NOBODY, python, (), shared_folder)
    assert {result.attack: result.problems for result in found.results if result.problems} == {}
    assert (found.uid, len(found.results)) == (NOBODY, len(ATTACKS))
    assert "uid" not in found.layers.split("+")


@pytest.mark.slow
@pytest.mark.parametrize("disabled", [(), ("uid",)])
def test_corpus_holds_for_root_with_and_without_a_change_of_user(
    python: Path, shared_folder: Path, disabled: tuple[str, ...]
) -> None:
    found = survey_as(None, python, disabled, shared_folder)
    assert {result.attack: result.problems for result in found.results if result.problems} == {}
    assert ("uid" in found.layers.split("+")) is not bool(disabled)


@pytest.mark.slow
@pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap is not installed, or cannot run here")
def test_corpus_holds_for_an_ordinary_user_in_bubblewrap(python: Path, shared_folder: Path) -> None:
    found = survey_as(NOBODY, python, (), shared_folder, launcher="bubblewrap")
    assert {result.attack: result.problems for result in found.results if result.problems} == {}
