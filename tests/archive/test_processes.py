"""Several processes on one archive, and processes that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from archive.errors import LeaseHeldError
from archive.records import Attempt
from archive.store import Archive
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, a_run

WRITER = Path(__file__).parent / "writer.py"
ROOT = Path(__file__).parents[2]


@contextmanager
def writer(url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes attempts into the archive and writes the index of each one that is committed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(WRITER), url, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def _lines(process: subprocess.Popen[str]) -> Iterator[int]:
    assert process.stdout is not None
    return map(int, process.stdout)


def _begin(url: str, *run_ids: str) -> None:
    with Archive.open(url) as archive:
        archive.add_candidate(a_candidate())
        for run_id in run_ids:
            archive.add_run(a_run(run_id))


@pytest.mark.parametrize("after", [0, 1, 37])
def test_killed_writer_loses_nothing_it_committed(any_url: str, after: int) -> None:
    _begin(any_url, RUN_ID)
    with writer(any_url, RUN_ID, "1000000") as process:
        lines = _lines(process)
        committed = next(line for line in lines if line == after)
        process.send_signal(signal.SIGKILL)
        committed = max([committed, *lines])  # what it said before it died
    with Archive.open(any_url) as archive:
        told = archive.attempts_told(RUN_ID)
        assert [attempt.index for attempt in told] == list(range(len(told)))
        assert len(told) in (committed + 1, committed + 2)  # the last line may not have been printed
        evaluations = archive.evaluations_of_run(RUN_ID)
        done = {each.attempt_index for each in evaluations}
        assert set(range(len(told))) <= done
        assert all(len(each.evaluation.instances) == 12 for each in evaluations)
        assert len(archive.sources([attempt.candidate_id or "" for attempt in told])) == len(told)
        assert len(archive.attempts(RUN_ID)) - len(told) in (0, 1)
        samples.evaluate(archive, _next_attempt(archive), a_candidate(10**9))


def _next_attempt(archive: Archive) -> Attempt:
    """A new attempt after those that the dead writer left."""
    attempt = samples.an_attempt(len(archive.attempts(RUN_ID)))
    archive.add_attempt(attempt)
    return attempt


def test_two_processes_write_to_one_archive(any_url: str) -> None:
    _begin(any_url, "aaaaaaaa", "bbbbbbbb")
    with writer(any_url, "aaaaaaaa", "40") as one, writer(any_url, "bbbbbbbb", "40") as other:
        assert list(_lines(one)) == list(_lines(other)) == list(range(40))
    assert (one.returncode, other.returncode) == (0, 0)
    with Archive.open(any_url) as archive:
        for run_id in ("aaaaaaaa", "bbbbbbbb"):
            assert [attempt.tell_order for attempt in archive.attempts_told(run_id)] == list(range(40))
            assert len(archive.attempts(run_id)) == 40
        found = archive.evaluations_of_run("aaaaaaaa") + archive.evaluations_of_run("bbbbbbbb")
        assert len(found) == 40  # both made the same programs: the work of one was found by the other


def test_reader_never_sees_half_a_step(any_url: str) -> None:
    _begin(any_url, RUN_ID)
    with writer(any_url, RUN_ID, "60") as process, Archive.open(any_url, read_only=True) as reader:
        for index in _lines(process):
            told = {attempt.index for attempt in reader.attempts_told(RUN_ID)}
            assert set(range(index + 1)) <= told
            assert all(len(each.evaluation.instances) == 12 for each in reader.evaluations_of_run(RUN_ID))
    assert process.returncode == 0


def test_archive_is_made_once_by_processes_that_race(any_url: str) -> None:
    with writer(any_url) as one, writer(any_url) as two, writer(any_url) as three:
        secrets = {process.communicate()[0] for process in (one, two, three)}
    assert len(secrets) == 1
    assert len(secrets.pop().strip()) == 32
    assert (one.returncode, two.returncode, three.returncode) == (0, 0, 0)


def test_only_one_of_two_takes_the_lease(any_url: str) -> None:
    _begin(any_url, RUN_ID)
    with Archive.open(any_url) as one, Archive.open(any_url) as other:
        one.take_lease(RUN_ID, "one", now=1.0, duration_s=5.0)
        with pytest.raises(LeaseHeldError, match="one"):
            other.take_lease(RUN_ID, "other", now=2.0, duration_s=5.0)


def test_threads_take_turns(any_url: str) -> None:
    _begin(any_url, RUN_ID)
    with Archive.open(any_url) as archive, ThreadPoolExecutor(4) as pool:

        def carry(index: int) -> bool:
            done = samples.finish(archive, samples.an_attempt(index), a_candidate(index + 1), samples.an_evaluation())
            return archive.attempt(RUN_ID, index) == done

        assert all(pool.map(carry, range(40)))
        assert [attempt.tell_order for attempt in archive.attempts_told(RUN_ID)] == list(range(40))
        assert len(archive.evaluations_of_run(RUN_ID)) == 40
