"""Programs by their content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from sqlalchemy import BindParameter, Connection, bindparam, select

from archive.database import Database, Upsert, insert_into
from archive.errors import UnknownRecordError
from archive.mapping import Values, candidate_of, candidate_values
from archive.packing import unpack_text
from archive.records import Candidate
from archive.schema import attempts, candidates, founders, runs

MIN_PREFIX = 4
_ID_DIGITS = 64
_ONE_QUERY = 500  # ids per IN list

_MATCHES = select(candidates).where(candidates.c.id >= bindparam("low"), candidates.c.id < bindparam("high")).limit(2)
_EXACT = select(candidates).where(candidates.c.id == bindparam("wanted"))
_NAMED = (
    select(candidates)
    .where(candidates.c.id.in_(select(founders.c.candidate_id).where(founders.c.name == bindparam("wanted"))))
    .order_by(candidates.c.id)
)
_MADE_BY = select(candidates).where(
    candidates.c.id.in_(
        select(attempts.c.candidate_id).where(
            attempts.c.run_id == bindparam("this_run"), attempts.c.attempt_index == bindparam("attempt")
        )
    )
)
_RUN = select(runs.c.id).where(runs.c.id == bindparam("wanted"))
_WANTED: BindParameter[Sequence[str]] = bindparam("wanted", expanding=True)
_SOURCES = select(candidates.c.id, candidates.c.source).where(candidates.c.id.in_(_WANTED))
_AST_DIGESTS = select(candidates.c.id, candidates.c.ast_digest).where(candidates.c.id.in_(_WANTED))


class CandidateStore:
    """The methods of `archive.store.Archive` on candidates."""

    _database: Database

    def add_candidate(self, candidate: Candidate) -> None:
        """Archives a program; one that is there already is kept, and learns its syntax digest if it had none.

        Raises:
            ArchiveError: The id is not the SHA-256 of the source, or the source is too long.
        """
        values = candidate_values(candidate)
        with self._database.writing() as connection:
            self._insert_candidate(connection, values)

    def _insert_candidate(self, connection: Connection, values: Values) -> None:
        connection.execute(adding(self._database.dialect), values)

    def candidate(self, id_or_prefix: str) -> Candidate:
        """The program with this id, the only one whose id begins so (at least four digits), or a founder of this name.

        Raises:
            UnknownRecordError: There is none, or more than one.
        """
        wanted = id_or_prefix.lower()
        if len(wanted) < MIN_PREFIX or not set(wanted) <= set("0123456789abcdef"):
            return self._named(id_or_prefix)
        with self._database.reading() as connection:
            if len(wanted) == _ID_DIGITS:
                rows = connection.execute(_EXACT, {"wanted": wanted}).all()
            else:
                rows = connection.execute(_MATCHES, {"low": wanted, "high": wanted + "g"}).all()
        if not rows:
            self._refuse_a_run(id_or_prefix)
            raise UnknownRecordError(
                f"no archived candidate has the id {id_or_prefix}; `evolve leaderboard` lists some"
            )
        if len(rows) > 1:
            both = " and ".join(row.id[: len(wanted) + 6] for row in rows)
            raise UnknownRecordError(
                f"the id {id_or_prefix} fits several candidates ({both}, perhaps more); add digits"
            )
        return candidate_of(rows[0])

    def _named(self, name: str) -> Candidate:
        """The program of this name in rankings: runs of this archive began with it, or ``RUN/ATTEMPT`` made it."""
        run_id, _, index = name.rpartition("/")
        with self._database.reading() as connection:
            if run_id and index.isdecimal():
                rows = connection.execute(_MADE_BY, {"this_run": run_id, "attempt": int(index)}).all()
            else:
                rows = connection.execute(_NAMED, {"wanted": name}).all()
        if not rows:
            self._refuse_a_run(name)
            raise UnknownRecordError(
                f"expected at least {MIN_PREFIX} hex digits of a candidate's id, RUN/ATTEMPT, or the name of a program "
                f"that a run began with, found {name!r}"
            )
        if len(rows) > 1:
            listed = ", ".join(row.id[:10] for row in rows)
            raise UnknownRecordError(f"several programs are called {name}: say which by its id, {listed}")
        return candidate_of(rows[0])

    def _refuse_a_run(self, word: str) -> None:
        """Says so where a user who must name a program has named a run."""
        with self._database.reading() as connection:
            if connection.execute(_RUN, {"wanted": word}).one_or_none() is None:
                return
        raise UnknownRecordError(
            f"{word} is a run, and this takes a program: `evolve runs {word}` tells how it went, "
            "`evolve leaderboard` lists programs"
        )

    def sources(self, ids: Iterable[str]) -> dict[str, str]:
        """The text of each program in `ids`.

        Raises:
            UnknownRecordError: One of them is not archived.
        """
        wanted = list(dict.fromkeys(ids))
        with self._database.reading() as connection:
            chunks = [connection.execute(_SOURCES, {"wanted": part}).all() for part in id_parts(wanted)]
        return _all_of(wanted, {row.id: unpack_text(row.source) for chunk in chunks for row in chunk})

    def ast_digests(self, ids: Iterable[str]) -> dict[str, str]:
        """The syntax digest of each program in `ids`, empty where it was not computed.

        Raises:
            UnknownRecordError: One of them is not archived.
        """
        wanted = list(dict.fromkeys(ids))
        with self._database.reading() as connection:
            chunks = [connection.execute(_AST_DIGESTS, {"wanted": part}).all() for part in id_parts(wanted)]
        return _all_of(wanted, {row.id: row.ast_digest for chunk in chunks for row in chunk})


@cache
def adding(dialect: str) -> Upsert:
    """Adds a program, as `candidate_values` has it; one that is there learns its syntax digest if it had none."""
    new = insert_into(candidates, dialect)
    learn = {"ast_digest": new.excluded.ast_digest}
    return new.on_conflict_do_update(index_elements=["id"], set_=learn, where=candidates.c.ast_digest == "")


def id_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """`ids` in pieces that one IN list can take."""
    return (ids[start : start + _ONE_QUERY] for start in range(0, len(ids), _ONE_QUERY))


def _all_of(wanted: Sequence[str], found: Mapping[str, str]) -> dict[str, str]:
    """`found` in the order of `wanted`."""
    for candidate_id in wanted:
        if candidate_id not in found:
            raise UnknownRecordError(f"no archived candidate has the id {candidate_id}")
    return {candidate_id: found[candidate_id] for candidate_id in wanted}
