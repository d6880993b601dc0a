"""The corpus in bubblewrap: the second set of layers where tests run as an ordinary user, as in CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evaluators.probe import probe_machine
from tests.hostile.bubblewrap import bubblewrap_works
from tests.hostile.headers import ATTACKS
from tests.hostile.ordinary_user import survey_as

pytestmark = [
    pytest.mark.skipif(not bubblewrap_works(), reason="bubblewrap is not installed, or cannot run here"),
    pytest.mark.skipif(bool(probe_machine().missing), reason="this machine lacks seccomp or Landlock"),
    *([pytest.mark.slow] if os.geteuid() == 0 else []),  # root's second set is the ordinary user's
]


def test_corpus_holds_in_bubblewrap(tmp_path: Path) -> None:
    found = survey_as(None, Path(sys.executable), (), tmp_path, launcher="bubblewrap")
    assert {result.attack: result.problems for result in found.results if result.problems} == {}
    assert len(found.results) == len(ATTACKS)
    assert "bubblewrap" in found.layers.split("+")
