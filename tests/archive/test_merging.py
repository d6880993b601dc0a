from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from archive.errors import ConflictError, UnknownRecordError
from archive.merging import merge
from archive.pruning import prune
from archive.records import Note, NoteKind, RunStatus
from archive.schema import metadata
from archive.store import Archive
from evaluators.contract import Split
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, a_reply, a_run, an_attempt, an_evaluation


def fill(archive: Archive, run_id: str = RUN_ID, number: int = 1) -> None:
    """A run with one recorded attempt of a program of its own, and the initial one that all runs share."""
    samples.begin(archive, a_run(run_id))
    attempt = an_attempt(run_id=run_id)
    samples.finish(archive, attempt, a_candidate(number), an_evaluation())
    archive.add_embedding(a_candidate(number), "a model", bytes(8))
    archive.set_run_status(run_id, RunStatus.FINISHED)


def content(archive: Archive, run_id: str) -> object:
    attempts = archive.attempts(run_id)
    return (
        archive.run(run_id),
        archive.founders(run_id),
        attempts,
        [archive.replies(run_id, attempt.index) for attempt in attempts],
        [replace(stored, id=0) for stored in archive.evaluations_of_run(run_id)],
        archive.embeddings("a model", [attempt.candidate_id for attempt in attempts if attempt.candidate_id]),
    )


def counts(archive: Archive) -> dict[str, int]:
    with archive.reading() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_merging_brings_whole_runs_once(any_url: str, tmp_path: Path) -> None:
    with Archive.open(any_url) as target, Archive.open(f"sqlite:///{tmp_path}/other.db") as other:
        fill(target, "aaaaaaaa", 1)
        fill(other, RUN_ID, 2)
        other.add_note(Note(kind=NoteKind.PIN, text="", created_at=samples.NOW, candidate_id=a_candidate(2).id))
        merged = merge(target, other)
        assert (merged.runs, merged.known_runs, merged.notes) == (1, 0, 1)
        assert content(target, RUN_ID) == content(other, RUN_ID)
        before = counts(target)
        again = merge(target, other)
        assert (again.runs, again.known_runs, again.evaluations, again.notes) == (0, 1, 0, 0)
        assert counts(target) == before


def test_holdout_scores_stay_behind_where_the_holdout_is_another(any_url: str, tmp_path: Path) -> None:
    with Archive.open(any_url) as target, Archive.open(f"sqlite:///{tmp_path}/other.db") as other:
        fill(other)
        held_out = an_evaluation(split=Split.HOLDOUT)
        other.add_evaluation(a_candidate(1).id, held_out, samples.a_key(a_candidate(1).id, held_out), RUN_ID)
        assert merge(target, other).holdout_left_behind == 1
        splits = {stored.evaluation.split for stored in target.evaluations_of_run(RUN_ID)}
        assert Split.HOLDOUT not in splits


def test_run_that_was_driven_arrives_as_interrupted(any_url: str, tmp_path: Path) -> None:
    with Archive.open(any_url) as target, Archive.open(f"sqlite:///{tmp_path}/other.db") as other:
        fill(other)
        other.set_run_status(RUN_ID, RunStatus.RUNNING)
        other.take_lease(RUN_ID, "host:1:1", 0.0, 60.0)
        merge(target, other)
        assert target.run(RUN_ID).status is RunStatus.INTERRUPTED
        assert target.lease(RUN_ID) is None


def test_pruning_removes_a_run_and_only_what_nobody_else_uses(any_url: str) -> None:
    with Archive.open(any_url) as archive:
        fill(archive, "aaaaaaaa", 1)
        alone = counts(archive)
        kept = content(archive, "aaaaaaaa")
        fill(archive, RUN_ID, 2)
        archive.add_reply(a_reply())
        gone = prune(archive, [RUN_ID])
        assert (gone.runs, gone.attempts, gone.candidates) == (1, 1, 1)
        assert counts(archive) == alone
        assert content(archive, "aaaaaaaa") == kept
        assert [run.id for run in archive.runs()] == ["aaaaaaaa"]


def test_pruned_evaluation_of_a_shared_program_is_kept_without_its_payer(any_url: str) -> None:
    with Archive.open(any_url) as archive:
        fill(archive, RUN_ID, 1)
        archive.add_run(a_run("aaaaaaaa"))
        archive.add_note(Note(kind=NoteKind.NOTE, text="keep", created_at=samples.NOW, candidate_id=a_candidate(1).id))
        prune(archive, [RUN_ID])
        assert [stored.run_id for stored in archive.evaluations(a_candidate(1).id)] == [None]


def test_pruned_archive_takes_new_evaluations_in_the_same_session(any_url: str) -> None:
    with Archive.open(any_url) as archive:
        fill(archive)
        prune(archive, [RUN_ID])
        fill(archive)
        assert len(archive.evaluations_of_run(RUN_ID)) == 1


@pytest.mark.parametrize(("run_id", "error"), [("nowhere1", UnknownRecordError), (RUN_ID, ConflictError)])
def test_unknown_and_running_runs_are_not_pruned(any_url: str, run_id: str, error: type[Exception]) -> None:
    with Archive.open(any_url) as archive:
        fill(archive)
        archive.set_run_status(RUN_ID, RunStatus.RUNNING)
        archive.take_lease(RUN_ID, "host:1:1", 1000.0, 60.0)
        before = counts(archive)
        with pytest.raises(error):
            prune(archive, [run_id], now=1059.0)
        assert counts(archive) == before


def test_two_may_prune_at_the_same_time(any_url: str) -> None:
    names = [f"{letter}aaaaaaa" for letter in "bcdefghi"]
    with Archive.open(any_url) as archive:
        for name in names:
            archive.add_run(a_run(name))

    def prune_all(own: list[str]) -> int:
        with Archive.open(any_url) as opened:
            return sum(prune(opened, [name]).runs for name in own)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(prune_all, (names[::2], names[1::2]))) == [4, 4]


def test_a_run_that_was_killed_is_pruned_once_its_lease_ran_out(any_url: str) -> None:
    with Archive.open(any_url) as archive:
        fill(archive)
        archive.set_run_status(RUN_ID, RunStatus.RUNNING)
        archive.take_lease(RUN_ID, "host:1:1", 1000.0, 60.0)
        assert prune(archive, [RUN_ID], now=1061.0).runs == 1
        assert archive.runs() == []
