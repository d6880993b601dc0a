"""Attempts as they move from asked to told, and the model replies they were paid with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from archive.candidate_store import CandidateStore
from archive.errors import ConflictError, UnknownRecordError
from archive.mapping import attempt_fate, attempt_of, attempt_values, candidate_values, reply_of, reply_values
from archive.records import Attempt, AttemptState, BanditRow, Candidate, ModelReply
from archive.schema import PASSED_THE_GATE, attempts, bandit_states, replies

_OF_RUN = attempts.c.run_id == bindparam("this_run")
_THIS = (_OF_RUN, attempts.c.attempt_index == bindparam("this_index"))
_ADD = insert(attempts)
_ADVANCE = (
    update(attempts)
    .where(*_THIS, attempts.c.state.in_([bindparam("from_1"), bindparam("from_2")]))
    .values({name: bindparam(name) for name in ("state", "operator", "candidate_id", "change", "rejection")})
    .values({name: bindparam(name) for name in ("neighbour_id", "tell_order", "told_at")})
)
_STATE = select(attempts.c.state).where(*_THIS)
_ATTEMPT = select(attempts).where(*_THIS)
_ATTEMPTS = select(attempts).where(_OF_RUN).order_by(attempts.c.attempt_index)
_TOLD = select(attempts).where(_OF_RUN, attempts.c.tell_order >= bindparam("first")).order_by(attempts.c.tell_order)
_LAST_TELL = (
    select(attempts.c.tell_order)
    .where(_OF_RUN, attempts.c.tell_order >= 0)
    .order_by(attempts.c.tell_order.desc())
    .limit(1)
)
_ADD_REPLY = insert(replies)
_REPLIES = (
    select(replies)
    .where(replies.c.run_id == bindparam("this_run"), replies.c.attempt_index == bindparam("this_index"))
    .order_by(replies.c.ordinal)
)
_COSTS = (
    select(replies.c.attempt_index, func.sum(replies.c.price_usd).label("usd"))
    .where(replies.c.run_id == bindparam("this_run"), replies.c.price_usd.is_not(None))
    .group_by(replies.c.attempt_index)
)
_COST = select(func.sum(replies.c.price_usd)).where(
    replies.c.run_id == bindparam("this_run"), replies.c.attempt_index == bindparam("this_index")
)
_CHILDREN = (
    select(attempts)
    .where(
        _OF_RUN,
        attempts.c.parent_id == bindparam("this_parent"),
        attempts.c.tell_order < bindparam("before"),
        attempts.c.candidate_id.is_not(None),
        attempts.c.neighbour_id.is_(None),
    )
    .order_by(attempts.c.tell_order.desc())
    .limit(bindparam("most"))
)
_TWIN = (
    select(attempts.c.neighbour_id)
    .where(
        _OF_RUN,
        attempts.c.candidate_id == bindparam("candidate"),
        attempts.c.state == AttemptState.RECORDED.value,
        text(PASSED_THE_GATE),
    )
    .limit(1)
)
_ADD_BANDIT = insert(bandit_states)
_BANDIT = (
    select(bandit_states)
    .where(bandit_states.c.run_id == bindparam("this_run"))
    .order_by(bandit_states.c.num_tells, bandit_states.c.model, bandit_states.c.operator)
)


class AttemptStore(CandidateStore):
    """The methods of `archive.store.Archive` on attempts and replies."""

    def add_attempt(self, attempt: Attempt) -> None:
        """Archives a new attempt, in state `ASKED`.

        Raises:
            ConflictError: It is in another state, its index is used already, or its run or parent is not archived.
        """
        if attempt.state is not AttemptState.ASKED:
            raise ConflictError(f"{_name(attempt)} cannot begin as {attempt.state}; expected {AttemptState.ASKED}")
        with self._database.writing() as connection:
            connection.execute(_ADD, attempt_values(attempt))

    def advance_attempt(self, attempt: Attempt, *, expected: AttemptState) -> None:
        """Moves an archived attempt on from the state `expected`; `record_told` ends it.

        Raises:
            ConflictError: The step is not one of `AttemptState.may_become`, or the attempt is in another state.
            UnknownRecordError: There is no such attempt.
        """
        if attempt.state.is_final:
            raise ConflictError(f"{_name(attempt)} cannot become {attempt.state} here; use `record_told`")
        if attempt.state not in expected.may_become:
            raise ConflictError(f"{_name(attempt)} cannot go from {expected} to {attempt.state}")
        with self._database.writing() as connection:
            _advance(connection, attempt, expected)

    def record_replied(self, attempt: Attempt, candidate: Candidate) -> None:
        """Archives the program that an asked attempt was answered with, and the attempt as `REPLIED`.

        Raises:
            ConflictError: The attempt is not in state `ASKED`, or is not about `candidate`.
            UnknownRecordError: There is no such attempt.
        """
        if attempt.state is not AttemptState.REPLIED or attempt.candidate_id != candidate.id:
            raise ConflictError(
                f"{_name(attempt)} cannot be archived with candidate {candidate.id[:12]}: it is {attempt.state} "
                f"with candidate {attempt.candidate_id}; expected {AttemptState.REPLIED} with that candidate"
            )
        values = candidate_values(candidate)
        with self._database.writing() as connection:
            self._insert_candidate(connection, values)
            _advance(connection, attempt, AttemptState.ASKED)

    def record_told(self, attempt: Attempt) -> Attempt:
        """Archives the end of an attempt with its `tell_order`: the given one, or else the next of its run.

        Returns:
            The attempt as archived.

        Raises:
            ConflictError: The state is not final, not reachable from the archived one, or the order is used already.
            UnknownRecordError: There is no such attempt.
        """
        if not attempt.state.is_final:
            raise ConflictError(f"{_name(attempt)} cannot be told as {attempt.state}; expected a final state")
        before = [state for state in AttemptState if attempt.state in state.may_become]
        with self._database.writing() as connection:
            if attempt.tell_order is None:
                last = connection.execute(_LAST_TELL, {"this_run": attempt.run_id}).scalar()
                attempt = replace(attempt, tell_order=0 if last is None else last + 1)
            _advance(connection, attempt, *before)
        return attempt

    def attempt(self, run_id: str, index: int) -> Attempt:
        """One attempt.

        Raises:
            UnknownRecordError: There is no such attempt.
        """
        with self._database.reading() as connection:
            row = connection.execute(_ATTEMPT, {"this_run": run_id, "this_index": index}).one_or_none()
        if row is None:
            raise UnknownRecordError(f"run {run_id} has no attempt {index}")
        return attempt_of(row)

    def attempts(self, run_id: str) -> list[Attempt]:
        """The attempts of a run in the order asked."""
        with self._database.reading() as connection:
            return [attempt_of(row) for row in connection.execute(_ATTEMPTS, {"this_run": run_id})]

    def attempts_told(self, run_id: str, first: int = 0) -> list[Attempt]:
        """The attempts that ended, from tell `first` on, in the order told: what resume folds."""
        with self._database.reading() as connection:
            return [attempt_of(row) for row in connection.execute(_TOLD, {"this_run": run_id, "first": first})]

    def add_reply(self, reply: ModelReply) -> None:
        """Archives a paid model call; it is on the disk, safe from a loss of power, when this returns.

        Raises:
            ConflictError: There is one under this number, or its attempt is not archived.
        """
        values = reply_values(reply)
        with self._database.writing(durable=True) as connection:
            connection.execute(_ADD_REPLY, values)

    def attempts_under(self, run_id: str, parent_id: str, before: int, most: int) -> list[Attempt]:
        """The newest `most` children of `parent_id` told before tell `before` that are no duplicates, newest first."""
        wanted = {"this_run": run_id, "this_parent": parent_id, "before": before, "most": most}
        with self._database.reading() as connection:
            return [attempt_of(row) for row in connection.execute(_CHILDREN, wanted)]

    def twin_of(self, run_id: str, candidate_id: str) -> str | None:
        """The earlier candidate that the run found this one to behave like, if it did."""
        with self._database.reading() as connection:
            found: str | None = connection.execute(_TWIN, {"this_run": run_id, "candidate": candidate_id}).scalar()
        return found

    def call_costs(self, run_id: str) -> dict[int, float]:
        """What the priced model calls of each attempt cost together, USD."""
        with self._database.reading() as connection:
            return {row.attempt_index: float(row.usd) for row in connection.execute(_COSTS, {"this_run": run_id})}

    def call_cost(self, run_id: str, attempt_index: int) -> float:
        """What the priced model calls of one attempt cost together, USD."""
        with self._database.reading() as connection:
            found = connection.execute(_COST, {"this_run": run_id, "this_index": attempt_index}).scalar()
        return float(found or 0.0)

    def add_bandit_states(self, rows: Sequence[BanditRow]) -> None:
        """Archives what a bandit knew."""
        with self._database.writing() as connection:
            connection.execute(_ADD_BANDIT, [asdict(row) for row in rows])

    def bandit_states(self, run_id: str) -> list[BanditRow]:
        """What the bandit of a run knew, oldest first."""
        with self._database.reading() as connection:
            found = connection.execute(_BANDIT, {"this_run": run_id})
            return [BanditRow(**row._mapping) for row in found]

    def replies(self, run_id: str, attempt_index: int) -> list[ModelReply]:
        """The model calls of one attempt, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(_REPLIES, {"this_run": run_id, "this_index": attempt_index})
            return [reply_of(row) for row in rows]


def _advance(connection: Connection, attempt: Attempt, *before: AttemptState) -> None:
    """Writes the fate of `attempt` if it is in one of the one or two states `before`."""
    this = {"this_run": attempt.run_id, "this_index": attempt.index}
    origins = {"from_1": before[0].value, "from_2": before[-1].value}
    if connection.execute(_ADVANCE, this | origins | attempt_fate(attempt)).rowcount == 1:
        return
    found = connection.execute(_STATE, this).scalar()
    if found is None:
        raise UnknownRecordError(f"run {attempt.run_id} has no attempt {attempt.index}")
    expected = " or ".join(before)
    raise ConflictError(f"{_name(attempt)} is {found}, and cannot become {attempt.state}; expected {expected}")


def _name(attempt: Attempt) -> str:
    return f"attempt {attempt.index} of run {attempt.run_id}"
