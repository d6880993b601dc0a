from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from archive.errors import ConflictError
from archive.records import Attempt, AttemptState, Candidate, candidate_id
from archive.store import Archive
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, an_attempt

LEGAL = {
    (AttemptState.ASKED, AttemptState.REPLIED),
    (AttemptState.ASKED, AttemptState.REJECTED),
    (AttemptState.REPLIED, AttemptState.EVALUATING),
    (AttemptState.REPLIED, AttemptState.REJECTED),
    (AttemptState.EVALUATING, AttemptState.RECORDED),
}


def test_candidate_is_named_by_its_source() -> None:
    assert candidate_id("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Candidate.of("x = 1") == Candidate(id=candidate_id("x = 1"), source="x = 1", ast_digest="")


def test_steps_are_the_legal_ones() -> None:
    assert {(a, b) for a, b in product(AttemptState, repeat=2) if b in a.may_become} == LEGAL
    assert all(state.is_final == (not state.may_become) for state in AttemptState)


@pytest.mark.parametrize(("before", "after"), list(product(AttemptState, repeat=2)))
def test_archive_takes_legal_steps_only(tmp_path: Path, before: AttemptState, after: AttemptState) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/a.db") as archive:
        samples.begin(archive)
        archived = _bring_to(archive, before)
        try:
            _step(archive, before, after)
        except ConflictError:
            assert (before, after) not in LEGAL
            assert archive.attempts(RUN_ID) == [archived]
        else:
            assert (before, after) in LEGAL
            assert archive.attempt(RUN_ID, 0).state is after


def _bring_to(archive: Archive, state: AttemptState) -> Attempt:
    """An archived attempt in `state`."""
    archive.add_attempt(an_attempt())
    path = {
        AttemptState.ASKED: [],
        AttemptState.REPLIED: [AttemptState.REPLIED],
        AttemptState.REJECTED: [AttemptState.REJECTED],
        AttemptState.EVALUATING: [AttemptState.REPLIED, AttemptState.EVALUATING],
        AttemptState.RECORDED: [AttemptState.REPLIED, AttemptState.EVALUATING, AttemptState.RECORDED],
    }[state]
    for before, after in zip([AttemptState.ASKED, *path], path, strict=False):
        _step(archive, before, after)
    return archive.attempt(RUN_ID, 0)


def _step(archive: Archive, before: AttemptState, after: AttemptState) -> None:
    attempt = replace(an_attempt(), state=after)
    if after is AttemptState.REPLIED:
        archive.record_replied(replace(attempt, candidate_id=a_candidate(1).id), a_candidate(1))
    elif after.is_final:
        archive.record_told(attempt)
    elif after is AttemptState.ASKED:
        archive.advance_attempt(attempt, expected=before)
    else:
        archive.advance_attempt(attempt, expected=AttemptState.REPLIED)


def test_expected_state_does_not_make_a_step_legal(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/a.db") as archive:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        evaluating = replace(an_attempt(), state=AttemptState.EVALUATING)
        with pytest.raises(ConflictError, match="cannot go from asked to evaluating"):
            archive.advance_attempt(evaluating, expected=AttemptState.ASKED)
        with pytest.raises(ConflictError, match="is asked, and cannot become evaluating; expected replied"):
            archive.advance_attempt(evaluating, expected=AttemptState.REPLIED)
        with pytest.raises(ConflictError, match="use `record_told`"):
            archive.advance_attempt(replace(evaluating, state=AttemptState.RECORDED), expected=AttemptState.EVALUATING)
        with pytest.raises(ConflictError, match="expected a final state"):
            archive.record_told(evaluating)
        with pytest.raises(ConflictError, match="cannot begin as evaluating"):
            archive.add_attempt(replace(evaluating, index=1))


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import archive.records, archive.errors, archive.elites", ["sqlalchemy", "alembic", "numpy"]),
        ("from archive.store import Archive; Archive.open('sqlite://').close()", ["alembic", "psycopg", "numpy"]),
        ("import archive.upgrade", ["psycopg", "numpy"]),
    ],
)
def test_imports_no_more_than_needed(statement: str, absent: list[str]) -> None:
    code = f"import sys; {statement}; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
