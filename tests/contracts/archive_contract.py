"""What every archive must keep, whatever the database: subclass `ArchiveContract` with an `archive_url` fixture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from archive.errors import ArchiveError, ArchiveReadOnlyError, ConflictError, LeaseHeldError, UnknownRecordError
from archive.records import (
    AttemptState,
    Candidate,
    Founder,
    FounderRole,
    Lease,
    Note,
    NoteKind,
    RunStatus,
    StoredEvaluation,
)
from archive.store import Archive
from evaluators.contract import Outcome, Split, Tier
from tests.archive import samples
from tests.archive.samples import (
    NOW,
    RUN_ID,
    a_candidate,
    a_failed_evaluation,
    a_key,
    a_reply,
    a_run,
    an_attempt,
    an_evaluation,
)

ARTEFACT_LIMIT = 40_000


class ArchiveContract:
    """Every backend passes the same suite."""

    @pytest.fixture
    def archive_url(self) -> str:
        raise NotImplementedError("a subclass gives the URL of an empty database")

    @pytest.fixture
    def archive(self, archive_url: str) -> Iterator[Archive]:
        with Archive.open(archive_url) as archive:
            yield archive

    # Embeddings

    def test_embeddings_are_kept_by_model_and_the_first_stays(self, archive: Archive) -> None:
        archive.add_embedding(a_candidate(), "small", b"\0\0\x80?\0\0\0\0")
        archive.add_embedding(a_candidate(), "small", b"\0\0\0@")
        archive.add_embedding(a_candidate(), "large", b"\0\0\0@")
        ids = [a_candidate(number).id for number in range(1200)]
        assert archive.embeddings("small", ids) == {a_candidate().id: b"\0\0\x80?\0\0\0\0"}
        assert archive.embeddings("large", ids) == {a_candidate().id: b"\0\0\0@"}
        assert archive.embeddings("other", ids) == archive.embeddings("small", []) == {}
        assert archive.candidate(a_candidate().id) == a_candidate()

    @pytest.mark.parametrize("vector", [b"", b"\0\0\x80"])
    def test_an_embedding_is_whole_numbers(self, archive: Archive, vector: bytes) -> None:
        with pytest.raises(ArchiveError, match="expected an embedding of float32 numbers"):
            archive.add_embedding(a_candidate(), "small", vector)

    # Opening

    def test_reopened_archive_remembers(self, archive_url: str) -> None:
        with Archive.open(archive_url) as archive:
            samples.begin(archive)
            secret = archive.holdout_secret()
        with Archive.open(archive_url, create=False) as archive:
            assert archive.run(RUN_ID) == a_run()
            assert archive.candidate(a_candidate().id) == a_candidate()
            assert archive.holdout_secret() == secret

    def test_holdout_secret_is_long_and_stays(self, archive: Archive) -> None:
        assert len(archive.holdout_secret()) == 32
        assert archive.holdout_secret() == archive.holdout_secret()

    def test_empty_database_is_not_filled_without_leave(self, archive_url: str) -> None:
        with pytest.raises(ArchiveError, match="evolve run"):
            Archive.open(archive_url, create=False)

    def test_reader_sees_what_a_writer_commits_meanwhile(self, archive: Archive, archive_url: str) -> None:
        with Archive.open(archive_url, read_only=True) as reader:
            assert reader.runs() == []
            samples.begin(archive)
            assert reader.runs() == [a_run()]

    def test_reader_cannot_write(self, archive: Archive, archive_url: str) -> None:
        with (
            Archive.open(archive_url, read_only=True) as reader,
            pytest.raises(ArchiveReadOnlyError, match="opened for reading"),
        ):
            reader.add_run(a_run())

    def test_second_close_does_nothing(self, archive_url: str) -> None:
        archive = Archive.open(archive_url)
        archive.close()
        archive.close()

    # Runs

    def test_runs_come_oldest_first(self, archive: Archive) -> None:
        later = a_run("bbbbbbbb", created_at="2026-05-02T00:00:00+00:00")
        for run in (later, a_run()):
            archive.add_run(run)
        assert archive.runs() == [a_run(), later]

    def test_second_run_of_one_id_is_refused(self, archive: Archive) -> None:
        archive.add_run(a_run())
        with pytest.raises(ConflictError):
            archive.add_run(replace(a_run(), seed=8))
        assert archive.run(RUN_ID) == a_run()

    def test_unknown_run_is_named(self, archive: Archive) -> None:
        with pytest.raises(UnknownRecordError, match="'nosuchid'"):
            archive.run("nosuchid")
        with pytest.raises(UnknownRecordError, match="'nosuchid'"):
            archive.set_run_status("nosuchid", RunStatus.FINISHED)

    def test_status_changes_nothing_else(self, archive: Archive) -> None:
        archive.add_run(a_run())
        archive.set_run_status(RUN_ID, RunStatus.INTERRUPTED)
        assert archive.run(RUN_ID) == replace(a_run(), status=RunStatus.INTERRUPTED)

    def test_status_is_said_by_the_driver_alone_where_it_is_named(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.take_lease(RUN_ID, "new", 0.0, 60.0)
        archive.set_run_status(RUN_ID, RunStatus.INTERRUPTED, owner="old")
        assert archive.run(RUN_ID).status is RunStatus.RUNNING
        archive.set_run_status(RUN_ID, RunStatus.FINISHED, owner="new")
        assert archive.run(RUN_ID).status is RunStatus.FINISHED

    def test_stop_is_asked_of_the_present_driver(self, archive: Archive) -> None:
        archive.add_run(a_run())
        assert not archive.stop_requested(RUN_ID)
        archive.request_stop(RUN_ID)
        assert archive.stop_requested(RUN_ID)
        archive.take_lease(RUN_ID, "next", now=100.0, duration_s=10.0)
        assert not archive.stop_requested(RUN_ID)

    def test_stop_of_unknown_run_is_refused(self, archive: Archive) -> None:
        for ask in (archive.request_stop, archive.stop_requested, archive.lease):
            with pytest.raises(UnknownRecordError):
                ask("nosuchid")

    # Leases

    def test_live_lease_is_refused_with_its_owner(self, archive: Archive) -> None:
        archive.add_run(a_run())
        archive.take_lease(RUN_ID, "host:1:2", now=100.0, duration_s=10.0)
        with pytest.raises(LeaseHeldError, match="host:1:2") as held:
            archive.take_lease(RUN_ID, "other", now=109.9, duration_s=10.0)
        assert (held.value.owner, held.value.expires_at) == ("host:1:2", 110.0)
        assert archive.lease(RUN_ID) == Lease(owner="host:1:2", expires_at=110.0)

    def test_expired_lease_is_taken_over_and_not_renewed(self, archive: Archive) -> None:
        archive.add_run(a_run())
        archive.take_lease(RUN_ID, "dead", now=100.0, duration_s=10.0)
        archive.take_lease(RUN_ID, "next", now=110.0, duration_s=10.0)
        assert archive.lease(RUN_ID) == Lease(owner="next", expires_at=120.0)
        with pytest.raises(LeaseHeldError, match="next"):
            archive.renew_lease(RUN_ID, "dead", now=111.0, duration_s=10.0)

    def test_own_lease_is_renewed_even_late(self, archive: Archive) -> None:
        archive.add_run(a_run())
        archive.take_lease(RUN_ID, "me", now=100.0, duration_s=10.0)
        archive.request_stop(RUN_ID)
        archive.renew_lease(RUN_ID, "me", now=115.0, duration_s=10.0)
        assert archive.lease(RUN_ID) == Lease(owner="me", expires_at=125.0)
        assert archive.stop_requested(RUN_ID)

    def test_lease_is_released_by_its_owner_only(self, archive: Archive) -> None:
        archive.add_run(a_run())
        archive.take_lease(RUN_ID, "me", now=100.0, duration_s=10.0)
        archive.release_lease(RUN_ID, "other")
        assert archive.lease(RUN_ID) is not None
        archive.release_lease(RUN_ID, "me")
        assert archive.lease(RUN_ID) is None
        with pytest.raises(ConflictError, match="nobody drives"):
            archive.renew_lease(RUN_ID, "me", now=105.0, duration_s=10.0)

    def test_lease_of_unknown_run_is_refused(self, archive: Archive) -> None:
        with pytest.raises(UnknownRecordError):
            archive.take_lease("nosuchid", "me", now=1.0, duration_s=1.0)

    # Candidates

    def test_candidate_is_archived_once(self, archive: Archive) -> None:
        for _ in range(2):
            archive.add_candidate(a_candidate(1, "f" * 64))
        assert archive.candidate(a_candidate(1).id) == a_candidate(1, "f" * 64)

    def test_candidate_learns_its_syntax_digest_once(self, archive: Archive) -> None:
        for digest in ("", "a" * 64, "b" * 64, ""):
            archive.add_candidate(a_candidate(1, digest))
        assert archive.candidate(a_candidate(1).id).ast_digest == "a" * 64

    def test_candidate_under_a_false_id_is_refused(self, archive: Archive) -> None:
        with pytest.raises(ArchiveError, match="SHA-256"):
            archive.add_candidate(replace(a_candidate(1), id=a_candidate(2).id))

    @pytest.mark.parametrize("source", ["", "\0", "x = '\ud800'", "naïve = 'größer'\r\n", "\u2028" * 3])
    def test_any_text_comes_back_equal(self, archive: Archive, source: str) -> None:
        archive.add_candidate(Candidate.of(source))
        assert archive.candidate(Candidate.of(source).id).source == source

    def test_oversized_source_is_refused(self, archive: Archive) -> None:
        with pytest.raises(ArchiveError, match="at most"):
            archive.add_candidate(Candidate.of("#" * (1 << 20) + "!"))

    def test_prefix_finds_the_only_candidate(self, archive: Archive) -> None:
        archive.add_candidate(a_candidate(1))
        assert archive.candidate(a_candidate(1).id[:4]) == a_candidate(1)
        assert archive.candidate(a_candidate(1).id[:9].upper()) == a_candidate(1)

    def test_ambiguous_prefix_is_refused(self, archive: Archive) -> None:
        by_prefix: dict[str, Candidate] = {}
        for number in range(10_000):
            candidate = a_candidate(number)
            twin = by_prefix.setdefault(candidate.id[:4], candidate)
            if twin is not candidate:
                break
        for each in (twin, candidate):
            archive.add_candidate(each)
        with pytest.raises(UnknownRecordError, match="several candidates"):
            archive.candidate(candidate.id[:4])
        assert archive.candidate(candidate.id[:12]) == candidate

    @pytest.mark.parametrize("prefix", ["", "abc", "nothexadecimal", "%%%%", "abcd" * 20])
    def test_useless_prefix_is_refused(self, archive: Archive, prefix: str) -> None:
        with pytest.raises(UnknownRecordError):
            archive.candidate(prefix)

    def test_sources_and_digests_come_in_bulk(self, archive: Archive) -> None:
        many = [a_candidate(number, f"{number:064x}") for number in range(1, 30)]
        for candidate in many:
            archive.add_candidate(candidate)
        ids = [candidate.id for candidate in reversed(many)]
        assert archive.sources(ids) == {candidate.id: candidate.source for candidate in many}
        assert list(archive.ast_digests([*ids, ids[0]])) == ids
        assert archive.sources([]) == {}
        with pytest.raises(UnknownRecordError, match="0000"):
            archive.sources([ids[0], "0" * 64])

    # Founders, notes, elites

    def test_founders_come_in_order(self, archive: Archive) -> None:
        samples.begin(archive)
        weak = Founder(
            run_id=RUN_ID, ordinal=1, role=FounderRole.BASELINE, name="static", candidate_id=a_candidate().id
        )
        first = replace(weak, ordinal=0, role=FounderRole.INITIAL, name="initial")
        for founder in (weak, first):
            archive.add_founder(founder)
        assert archive.founders(RUN_ID) == [first, weak]

    def test_founder_without_candidate_is_refused(self, archive: Archive) -> None:
        archive.add_run(a_run())
        orphan = Founder(run_id=RUN_ID, ordinal=0, role=FounderRole.INITIAL, name="x", candidate_id="0" * 64)
        with pytest.raises(ConflictError, match="refers to first"):
            archive.add_founder(orphan)

    def test_notes_are_found_by_run_and_candidate(self, archive: Archive) -> None:
        samples.begin(archive)
        hint = Note(kind=NoteKind.HINT, text="try pairs", created_at=NOW, run_id=RUN_ID)
        pin = Note(kind=NoteKind.PIN, text="", created_at=NOW, run_id=RUN_ID, candidate_id=a_candidate().id)
        for note in (hint, pin):
            archive.add_note(note)
        assert archive.notes() == [hint, pin]
        assert archive.notes(run_id=RUN_ID) == [hint, pin]
        assert archive.notes(candidate_id=a_candidate().id) == [pin]
        assert archive.notes(run_id="other") == []
        assert archive.notes_for(RUN_ID) == [hint, pin]
        assert archive.notes_for(RUN_ID, NoteKind.PIN, NoteKind.BAN) == [pin]

    # Attempts

    def test_attempts_come_in_the_order_asked(self, archive: Archive) -> None:
        samples.begin(archive)
        for index in (2, 0, 1):
            archive.add_attempt(an_attempt(index))
        assert archive.attempts(RUN_ID) == [an_attempt(0), an_attempt(1), an_attempt(2)]
        assert archive.attempt(RUN_ID, 1) == an_attempt(1)
        assert archive.attempts("other") == []

    def test_second_attempt_of_one_index_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        with pytest.raises(ConflictError):
            archive.add_attempt(replace(an_attempt(), island=2))
        assert archive.attempts(RUN_ID) == [an_attempt()]

    def test_attempt_without_archived_parent_is_refused(self, archive: Archive) -> None:
        archive.add_run(a_run())
        with pytest.raises(ConflictError, match="refers to first"):
            archive.add_attempt(an_attempt())

    def test_attempt_goes_from_asked_to_recorded(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        replied = replace(
            an_attempt(),
            state=AttemptState.REPLIED,
            candidate_id=a_candidate(1).id,
            change="one constant",
            operator="mutate constant",
        )
        archive.record_replied(replied, a_candidate(1))
        assert archive.attempts(RUN_ID) == [replied]
        assert archive.candidate(a_candidate(1).id) == a_candidate(1)
        evaluating = replace(replied, state=AttemptState.EVALUATING)
        archive.advance_attempt(evaluating, expected=AttemptState.REPLIED)
        assert archive.attempts(RUN_ID) == [evaluating]
        recorded = replace(evaluating, state=AttemptState.RECORDED, told_at=NOW, tell_order=0)
        assert archive.record_told(recorded) == recorded
        assert archive.attempts(RUN_ID) == archive.attempts_told(RUN_ID) == [recorded]

    def test_proposer_that_gives_nothing_is_rejected_at_once(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        fate = replace(an_attempt(), state=AttemptState.REJECTED, rejection="no program", told_at=NOW, tell_order=0)
        archive.record_told(fate)
        assert archive.attempts_told(RUN_ID) == [fate]

    def test_tell_order_is_counted_where_none_is_given(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_candidate(a_candidate(1))
        for index, candidate in ((1, 11), (0, 10), (2, 12)):
            told = samples.finish(archive, an_attempt(index), a_candidate(candidate))
            assert told.tell_order == {1: 0, 0: 1, 2: 2}[index]
        assert [attempt.index for attempt in archive.attempts_told(RUN_ID)] == [1, 0, 2]

    def test_tell_order_is_unique_within_a_run(self, archive: Archive) -> None:
        samples.begin(archive)
        samples.finish(archive, an_attempt(0), a_candidate(1))
        archive.add_attempt(an_attempt(1))
        fate = replace(an_attempt(1), state=AttemptState.REJECTED, tell_order=0)
        with pytest.raises(ConflictError):
            archive.record_told(fate)
        assert archive.attempt(RUN_ID, 1) == an_attempt(1)

    def test_step_from_another_state_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        samples.finish(archive, an_attempt(), a_candidate(1))
        before = archive.attempts(RUN_ID)
        replied = replace(an_attempt(), state=AttemptState.REPLIED, candidate_id=a_candidate(1).id)
        with pytest.raises(ConflictError, match="is recorded, and cannot become replied; expected asked"):
            archive.record_replied(replied, a_candidate(1))
        with pytest.raises(ConflictError, match="is recorded"):
            archive.record_told(replace(replied, state=AttemptState.REJECTED))
        assert archive.attempts(RUN_ID) == before

    def test_refused_reply_leaves_no_candidate(self, archive: Archive) -> None:
        samples.begin(archive)
        samples.finish(archive, an_attempt(), a_candidate(1))
        late = replace(an_attempt(), state=AttemptState.REPLIED, candidate_id=a_candidate(2).id)
        with pytest.raises(ConflictError):
            archive.record_replied(late, a_candidate(2))
        with pytest.raises(UnknownRecordError):
            archive.candidate(a_candidate(2).id)

    def test_reply_must_be_about_its_candidate(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        replied = replace(an_attempt(), state=AttemptState.REPLIED, candidate_id=a_candidate(2).id)
        with pytest.raises(ConflictError, match="cannot be archived with candidate"):
            archive.record_replied(replied, a_candidate(1))

    def test_step_of_unknown_attempt_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        replied = replace(an_attempt(5), state=AttemptState.REPLIED)
        with pytest.raises(UnknownRecordError, match="no attempt 5"):
            archive.advance_attempt(replied, expected=AttemptState.ASKED)
        with pytest.raises(UnknownRecordError, match="no attempt 5"):
            archive.attempt(RUN_ID, 5)

    def test_hostile_texts_are_cut_and_cleaned(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        fate = replace(an_attempt(), state=AttemptState.REJECTED, rejection="a\0b\ud800" + "x" * ARTEFACT_LIMIT)
        archive.record_told(fate)
        rejection = archive.attempt(RUN_ID, 0).rejection
        assert rejection.startswith("a\ufffdb?x")
        assert len(rejection) <= 2_000
        assert "characters left out" in rejection

    # Replies

    def test_replies_come_back_whole_and_in_order(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        repair = replace(a_reply(ordinal=1), price_usd=None)
        for reply in (repair, a_reply()):
            archive.add_reply(reply)
        assert archive.replies(RUN_ID, 0) == [a_reply(), repair]
        assert archive.replies(RUN_ID, 1) == []

    def test_second_reply_under_one_number_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        archive.add_reply(a_reply())
        with pytest.raises(ConflictError):
            archive.add_reply(replace(a_reply(), reply="another"))
        assert archive.replies(RUN_ID, 0) == [a_reply()]

    @pytest.mark.parametrize("price", [float("nan"), float("inf")])
    def test_price_that_is_no_number_is_refused(self, archive: Archive, price: float) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        with pytest.raises(ArchiveError, match="finite"):
            archive.add_reply(replace(a_reply(), price_usd=price))

    # Evaluations

    def test_evaluation_is_found_by_its_key(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_attempt(an_attempt())
        evaluation, candidate_id = an_evaluation(), a_candidate().id
        key = a_key(candidate_id, evaluation)
        assert archive.find_evaluation(key) is None
        stored = archive.add_evaluation(candidate_id, evaluation, key, RUN_ID, 0)
        assert stored == StoredEvaluation(
            id=stored.id,
            candidate_id=candidate_id,
            run_id=RUN_ID,
            attempt_index=0,
            evaluation=evaluation,
            created_at=stored.created_at,
            planner_clock="measured",
        )
        assert stored.key == key
        assert archive.find_evaluation(key) == stored
        assert archive.find_evaluation(replace(key, planner_clock="modelled")) is None
        assert archive.find_evaluation(replace(key, seeds="6" * 16)) is None

    def test_another_opening_reads_the_same(self, archive: Archive, archive_url: str) -> None:
        samples.begin(archive)
        evaluation = an_evaluation()
        stored = archive.add_evaluation(a_candidate().id, evaluation, a_key(a_candidate().id, evaluation))
        with Archive.open(archive_url, read_only=True) as reader:
            assert reader.evaluations(a_candidate().id) == [stored]

    def test_same_work_twice_keeps_the_first(self, archive: Archive) -> None:
        samples.begin(archive)
        first, again = an_evaluation(0.5), an_evaluation(0.75)
        key = a_key(a_candidate().id, first)
        stored = archive.add_evaluation(a_candidate().id, first, key)
        assert archive.add_evaluation(a_candidate().id, again, key, RUN_ID) == stored
        assert archive.evaluations(a_candidate().id) == [stored]

    def test_infrastructure_failure_occupies_no_key(self, archive: Archive) -> None:
        samples.begin(archive)
        failure = a_failed_evaluation(Outcome.INFRASTRUCTURE)
        key = a_key(a_candidate().id, failure)
        failures = [archive.add_evaluation(a_candidate().id, failure, key, RUN_ID) for _ in range(2)]
        assert archive.find_evaluation(key) is None
        stored = archive.add_evaluation(a_candidate().id, an_evaluation(), key, RUN_ID)
        assert archive.find_evaluation(key) == stored
        assert archive.evaluations(a_candidate().id) == [*failures, stored]

    @pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.SCORED])
    def test_failure_reads_back_equal(self, archive: Archive, outcome: Outcome) -> None:
        samples.begin(archive)
        failure = a_failed_evaluation(outcome)
        stored = archive.add_evaluation(a_candidate().id, failure, a_key(a_candidate().id, failure))
        assert [each.evaluation for each in archive.evaluations(a_candidate().id)] == [failure]
        assert stored.evaluation == failure

    def test_evaluation_without_instances_reads_back_equal(self, archive: Archive) -> None:
        samples.begin(archive)
        failure = replace(a_failed_evaluation(Outcome.TAMPERED), instances=(), metrics={})
        archive.add_evaluation(a_candidate().id, failure, a_key(a_candidate().id, failure))
        assert [each.evaluation for each in archive.evaluations(a_candidate().id)] == [failure]

    def test_evaluation_that_does_not_fit_its_key_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        evaluation = an_evaluation()
        key = a_key(a_candidate().id, evaluation)
        with pytest.raises(ArchiveError, match="does not fit its key"):
            archive.add_evaluation(a_candidate().id, evaluation, replace(key, tier=Tier.FULL))
        with pytest.raises(ConflictError, match="expected a key of candidate"):
            archive.add_evaluation(a_candidate(1).id, evaluation, key)

    def test_evaluation_of_unknown_candidate_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        evaluation = an_evaluation()
        with pytest.raises(ConflictError, match="refers to first"):
            archive.add_evaluation(a_candidate(9).id, evaluation, a_key(a_candidate(9).id, evaluation))
        fitting = an_evaluation()  # the environment of the refused one must not be taken for archived
        stored = archive.add_evaluation(a_candidate().id, fitting, a_key(a_candidate().id, fitting))
        assert archive.evaluations(a_candidate().id) == [stored]

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_number_that_is_not_finite_is_refused(self, archive: Archive, value: float) -> None:
        samples.begin(archive)
        good = an_evaluation()
        key = a_key(a_candidate().id, good)
        broken = [
            replace(good, objective=value),
            replace(good, metrics={"balance": value}),
            replace(good, cpu_s=value),
            replace(good, instances=(replace(good.instances[0], score=value),)),
            replace(good, instances=(replace(good.instances[0], metrics={"x": value}),)),
        ]
        for evaluation in broken:
            with pytest.raises(ArchiveError, match="finite"):
                archive.add_evaluation(a_candidate().id, evaluation, key)
        assert archive.evaluations(a_candidate().id) == []

    def test_score_without_outcome_is_refused(self, archive: Archive) -> None:
        samples.begin(archive)
        contradiction = replace(an_evaluation(), outcome=Outcome.CRASHED)
        with pytest.raises(ConflictError):
            archive.add_evaluation(a_candidate().id, contradiction, a_key(a_candidate().id, contradiction))

    def test_overlong_texts_are_cut(self, archive: Archive) -> None:
        samples.begin(archive)
        instances = (replace(samples.an_instance(0, None, Outcome.CRASHED), detail="\0" * ARTEFACT_LIMIT),)
        chatty = replace(a_failed_evaluation(), feedback="y" * 100 * ARTEFACT_LIMIT, instances=instances)
        stored = archive.add_evaluation(a_candidate().id, chatty, a_key(a_candidate().id, chatty))
        assert archive.evaluations(a_candidate().id) == [stored]
        assert len(stored.evaluation.feedback) <= 16_000
        assert len(stored.evaluation.instances[0].detail) <= 2_000

    def test_evaluations_of_a_run_are_those_it_paid_for(self, archive: Archive) -> None:
        samples.begin(archive)
        archive.add_run(a_run("eeeeeeee"))
        smoke, quick = an_evaluation(tier=Tier.SMOKE), an_evaluation()
        samples.finish(archive, an_attempt(0), a_candidate(1), smoke, quick)
        samples.finish(archive, an_attempt(1), a_candidate(2), quick)
        archive.add_evaluation(a_candidate().id, quick, a_key(a_candidate().id, quick), "eeeeeeee")
        found = archive.evaluations_of_run(RUN_ID)
        assert [(each.attempt_index, each.evaluation) for each in found] == [(0, smoke), (0, quick), (1, quick)]

    def test_evaluations_for_a_run_are_those_it_may_use(self, archive: Archive) -> None:
        """Of its programs: what was made on its instances, and every hold-out; not what others made on others."""
        samples.begin(archive)
        archive.add_run(a_run("samesecr"))
        archive.add_run(a_run("othersec", secret="t" * 32))
        by_hand = an_evaluation(0.6, tier=Tier.SMOKE)
        usable = [by_hand, an_evaluation(0.5), an_evaluation(0.4, split=Split.HOLDOUT, seeds="h" * 16)]
        unusable = [an_evaluation(0.3, seeds="o" * 16), a_failed_evaluation(Outcome.STOPPED)]
        archive.add_candidate(a_candidate(3))
        payers = [None, "samesecr", "othersec", "othersec", "samesecr"]
        for evaluation, run_id in zip([*usable, *unusable], payers, strict=True):
            for candidate in (a_candidate(), a_candidate(3)):
                archive.add_evaluation(candidate.id, evaluation, a_key(candidate.id, evaluation), run_id)
        archive.add_founder(
            Founder(run_id=RUN_ID, ordinal=0, role=FounderRole.INITIAL, name="x", candidate_id=a_candidate().id)
        )
        assert [each.evaluation for each in archive.evaluations_for_run(RUN_ID)] == usable
