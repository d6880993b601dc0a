from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from archive.records import FounderRole
from archive.store import Archive
from evaluators.toy import PROBLEM
from evolve.benchmark import cells, find_run
from evolve.programs import Program
from evolve.run.session import new_run

PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source="# initial\n"),)


def test_a_run_made_before_a_setting_existed_is_found_again(tmp_path: Path) -> None:
    first, second, *_ = cells({"task": "toy", "attempts": 5}, ("default", "any_donor"), repeats=2, first_seed=1)
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        made = new_run(archive, first.config, PROBLEM.task, PROGRAMS, "test", "2026-01-01T00:00:00+00:00")
        assert find_run(archive, first, PROBLEM.task.identity) == made
        assert find_run(archive, second, PROBLEM.task.identity) is None
        assert find_run(archive, first, "another task") is None
    older = {key: value for key, value in json.loads(made.config).items() if key not in ("judge", "inspirations")}
    with Archive.open(f"sqlite:///{tmp_path}/older.db") as archive:
        archive.add_run(replace(made, config=json.dumps(older)))
        found = find_run(archive, first, PROBLEM.task.identity)
        assert found is not None
        assert found.id == made.id
