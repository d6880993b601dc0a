from __future__ import annotations

from dataclasses import replace

import pytest

from evaluators.toy import PROBLEM
from evolve.errors import BackendError
from evolve.execution.opening import IMAGE, require_libraries

LACKING = replace(PROBLEM.task, libraries=("numpy", "no_such_library.part"))


def test_a_task_whose_libraries_are_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IMAGE, raising=False)
    require_libraries(PROBLEM.task)
    with pytest.raises(BackendError, match="the task toy needs no_such_library.part, not installed here"):
        require_libraries(LACKING)


def test_an_image_of_workers_has_libraries_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE, "evenkeel:1")
    require_libraries(LACKING)
