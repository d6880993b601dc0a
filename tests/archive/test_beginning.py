"""A run begins whole, whatever interrupts it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archive.errors import ArchiveError
from archive.mapping import MAX_SOURCE_CHARS
from archive.records import Candidate, Founder, FounderRole
from archive.store import Archive
from tests.archive.samples import RUN_ID, a_candidate, a_run

FOUNDERS = [
    Founder(run_id=RUN_ID, ordinal=i, role=FounderRole.BASELINE, name=f"b{i}", candidate_id=a_candidate(i).id)
    for i in range(3)
]
PROGRAMS = [a_candidate(i) for i in range(3)]


def test_a_run_begins_with_its_programs(any_url: str) -> None:
    with Archive.open(any_url) as archive:
        archive.add_candidate(PROGRAMS[1])  # known before
        archive.add_run(a_run(), FOUNDERS, PROGRAMS)
        assert archive.founders(RUN_ID) == FOUNDERS
        assert [archive.candidate(program.id) for program in PROGRAMS] == PROGRAMS


@pytest.mark.parametrize(
    ("founders", "programs"),
    [
        ([*FOUNDERS[:2], replace(FOUNDERS[2], ordinal=1)], PROGRAMS),
        (FOUNDERS, [*PROGRAMS[:2], Candidate.of("#" * (MAX_SOURCE_CHARS + 1))]),
        (FOUNDERS, PROGRAMS[:2]),
    ],
)
def test_a_run_that_cannot_begin_whole_leaves_nothing(
    any_url: str, founders: list[Founder], programs: list[Candidate]
) -> None:
    with Archive.open(any_url) as archive:
        with pytest.raises(ArchiveError):
            archive.add_run(a_run(), founders, programs)
        assert archive.runs() == []
        assert archive.founders(RUN_ID) == []
