from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.records import Candidate
from archive.store import Archive
from evaluators.contract import PlannerClock, Split, Tier
from evaluators.seeding import SeedSource, round_secret, secret_from_seed
from evaluators.toy import PROBLEM
from evolve.fresh_look import FreshLooks
from evolve.stages import Stages
from tests.evolve.fakes import FakeBackend, scores_of

SECRET = secret_from_seed(1)
SOURCES = [f"# program {number}\n" for number in range(8)]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as opened:
        yield opened


def the_looks(archive: Archive, backend: FakeBackend, every: int = 10) -> tuple[FreshLooks, Stages, list[str]]:
    stages = Stages(archive, backend, PROBLEM.task, dict.fromkeys(Split, SECRET), PlannerClock.MEASURED)
    candidates = [Candidate.of(source) for source in SOURCES]
    for candidate in candidates:
        archive.add_candidate(candidate)
    ids = [candidate.id for candidate in candidates]
    return FreshLooks(archive, stages, ids[0], every), stages, ids


def test_rounds_have_instances_of_their_own(archive: Archive) -> None:
    _, stages, _ = the_looks(archive, FakeBackend())
    digests = [stages.seeds(Split.VALIDATION, number) for number in range(4)]
    assert len(set(digests)) == 4
    assert digests[0] == SeedSource(SECRET, Split.VALIDATION).digest()
    assert digests[2] == SeedSource(round_secret(SECRET, 2), Split.VALIDATION).digest()


def test_a_look_is_due_after_every_so_many_tells(archive: Archive) -> None:
    looks, _, _ = the_looks(archive, FakeBackend())
    assert [number for number in range(31) if looks.is_due(number)] == [10, 20, 30]
    never, _, _ = the_looks(archive, FakeBackend(), every=0)
    assert not any(never.is_due(number) for number in range(31))


def test_a_look_says_what_was_gained_where_chosen_and_on_fresh_seeds(archive: Archive) -> None:
    looks, _, ids = the_looks(archive, FakeBackend())
    asyncio.run(looks.look(10, [(candidate_id, None) for candidate_id in ids]))
    (look,) = looks.made(12, ids)
    source = SOURCES[ids.index(look.candidate_id)]
    assert look.after == 10
    for gain, secret in ((look.chosen_gain, ""), (look.fresh_gain, round_secret(SECRET, 1))):
        means = [sum(scores_of(s + secret, Split.VALIDATION)) / 12 for s in (source, SOURCES[0])]
        assert gain == pytest.approx(means[0] - means[1])
    assert look.shrank == look.chosen_gain - look.fresh_gain
    assert look.interval is not None
    assert look.interval.low < look.fresh_gain < look.interval.high


def test_the_final_look_has_a_round_of_its_own_and_none_is_made_twice(archive: Archive) -> None:
    backend = FakeBackend()
    looks, _, ids = the_looks(archive, backend)
    asyncio.run(looks.look(10, [(candidate_id, None) for candidate_id in ids]))
    champion = looks.made(12, ids)[0].candidate_id
    for _ in range(2):
        asyncio.run(looks.final(champion, 12))
    assert [look.after for look in looks.made(12, ids)] == [10, 12]
    assert len(backend.requests) == len({(r.source, r.secret) for r in backend.requests})


def test_an_initial_program_that_still_leads_is_not_looked_at(archive: Archive) -> None:
    backend = FakeBackend()
    looks, _, ids = the_looks(archive, backend)
    asyncio.run(looks.look(10, []))
    assert [(r.tier, r.secret) for r in backend.requests] == [(Tier.QUICK, "")]
    assert looks.made(12, ids) == []


def test_workers_that_know_other_secrets_are_told_the_runs_own(archive: Archive) -> None:
    backend = FakeBackend()
    secrets = {Split.VALIDATION: secret_from_seed(2), Split.HOLDOUT: SECRET}
    known = dict.fromkeys(Split, SECRET)
    stages = Stages(archive, backend, PROBLEM.task, secrets, PlannerClock.MEASURED, known=known)
    candidate = Candidate.of(SOURCES[0])
    archive.add_candidate(candidate)
    for split in secrets:
        asyncio.run(stages.evaluate(candidate, Tier.QUICK, split))
    assert [request.secret for request in backend.requests] == [secret_from_seed(2), ""]
    assert stages.stored(candidate.id, Tier.QUICK, Split.VALIDATION) is not None
