from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from archive.mapping import attempt_values
from archive.records import Attempt, AttemptState, Candidate, FounderRole, Run
from archive.schema import attempts
from archive.store import Archive
from evaluators.contract import Evaluation, PlannerClock, Split, Tier
from evaluators.seeding import SeedSource, round_secret, secret_from_seed
from evaluators.toy import PROBLEM
from evolve.config import build_config
from evolve.known_seeds import KnownSeeds
from evolve.programs import Program
from evolve.run.finale import Verdict
from evolve.run.fresh_look import FINAL, FreshLooks
from evolve.run.session import new_run
from evolve.run.stages import Stages
from tests.evolve.fakes import FakeBackend, scores_of

PROGRAMS = (Program(role=FounderRole.INITIAL, name="initial", source="# initial\n"),)
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


def test_the_final_look_of_a_session_keeps_its_place_when_the_run_goes_on(archive: Archive) -> None:
    looks, _, ids = the_looks(archive, FakeBackend(), every=20)
    for candidate_id in ids:
        asyncio.run(looks.score(candidate_id, 0))
    asyncio.run(looks.final(ids[2], 50))
    asyncio.run(looks.final(ids[1], 55))
    asyncio.run(looks.score(ids[3], 3))  # the look due after 60
    for num_tells in (60, 90):
        made = looks.made(num_tells, ids)
        assert [(look.after, look.candidate_id) for look in made] == [(50, ids[2]), (55, ids[1]), (60, ids[3])]
    verdict = Verdict(champion_id=ids[1], initial_id=ids[0], standings=(), looks=tuple(made))
    assert verdict.last_look == made[1]
    assert Verdict(champion_id=ids[0], initial_id=ids[0], standings=(), looks=tuple(made)).last_look is None


def test_the_look_at_a_second_initial_program_that_led_before_any_tell_is_read(archive: Archive) -> None:
    looks, _, ids = the_looks(archive, FakeBackend())
    for candidate_id in ids:
        asyncio.run(looks.score(candidate_id, 0))
    asyncio.run(looks.final(ids[1], 0))
    for num_tells in (0, 30):
        assert [(look.after, look.candidate_id) for look in looks.made(num_tells, ids)] == [(0, ids[1])]


def test_looks_are_found_without_asking_for_every_program_on_every_round(archive: Archive) -> None:
    class Counting(Stages):
        asked = 0

        def stored(self, candidate_id: str, tier: Tier, split: Split, fresh_round: int = 0) -> Evaluation | None:
            self.asked += 1
            return super().stored(candidate_id, tier, split, fresh_round)

    made, _, ids = the_looks(archive, FakeBackend())
    for number, candidate_id in enumerate(ids):
        asyncio.run(made.score(candidate_id, 0))
        asyncio.run(made.score(candidate_id, number))
    secrets = dict.fromkeys(Split, SECRET)
    stages = Counting(archive, FakeBackend(), PROBLEM.task, secrets, PlannerClock.MEASURED)
    looks = FreshLooks(archive, stages, ids[0], 10).made(70, ids)
    assert [look.candidate_id for look in looks] == ids[1:]
    assert stages.asked <= 4 * len(looks)


def test_seeds_of_every_look_are_known(archive: Archive) -> None:
    run = new_run(archive, build_config({"task": "toy", "seed": 1}), PROBLEM.task, PROGRAMS, "test", "")
    rows = [attempt_values(row) for row in ended_attempts(archive, run, 600)]
    with archive.writing() as connection:
        connection.execute(insert(attempts), rows)
    known = KnownSeeds(archive, PROBLEM.task)
    for number in (1, 499, 500, 600, FINAL, FINAL + 1, FINAL + 600):
        secret = round_secret(run.secret, number)
        assert known.secret(Split.VALIDATION, SeedSource(secret, Split.VALIDATION).digest()) == secret
    beyond = SeedSource(round_secret(run.secret, 700), Split.VALIDATION).digest()
    assert known.secret(Split.VALIDATION, beyond) is None


def ended_attempts(archive: Archive, run: Run, number: int) -> list[Attempt]:
    founder = archive.founders(run.id)[0].candidate_id
    return [
        Attempt(
            run_id=run.id,
            index=index,
            state=AttemptState.REJECTED,
            island=0,
            proposer="test",
            operator="test",
            parent_id=founder,
            rejection="no",
            tell_order=index,
        )
        for index in range(number)
    ]


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


def test_the_final_look_counts_what_it_makes_and_no_more(archive: Archive) -> None:
    looks, _, ids = the_looks(archive, FakeBackend())
    assert looks.num_known(ids[1], 12) == 0
    made: list[int] = []
    for _ in range(2):
        asyncio.run(looks.final(ids[1], 12, lambda: made.append(1)))
    assert (len(made), looks.num_known(ids[1], 12)) == (2, 2)
