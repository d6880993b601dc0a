"""Embeddings of programs: paid for once, whichever run asks again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BindParameter, bindparam, select

from archive.candidate_store import CandidateStore, id_parts
from archive.database import insert_into
from archive.errors import ArchiveError
from archive.mapping import candidate_values
from archive.records import Candidate
from archive.schema import embeddings

_WANTED: BindParameter[Sequence[str]] = bindparam("wanted", expanding=True)
_VECTORS = select(embeddings.c.candidate_id, embeddings.c.vector).where(
    embeddings.c.model == bindparam("of_model"), embeddings.c.candidate_id.in_(_WANTED)
)
_FLOAT32_BYTES = 4


class EmbeddingStore(CandidateStore):
    """The methods of `archive.store.Archive` on embeddings."""

    def add_embedding(self, candidate: Candidate, model: str, vector: bytes) -> None:
        """Archives a program with its embedding by `model`; the first one stays.

        Args:
            candidate: The program.
            model: Who made the numbers.
            vector: Little-endian float32.

        Raises:
            ArchiveError: `vector` is empty or no whole number of float32, or the program cannot be archived.
        """
        if not vector or len(vector) % _FLOAT32_BYTES:
            raise ArchiveError(f"expected an embedding of float32 numbers, found {len(vector)} bytes")
        values = candidate_values(candidate)
        row = {"candidate_id": candidate.id, "model": model, "vector": vector}
        with self._database.writing() as connection:
            self._insert_candidate(connection, values)
            connection.execute(insert_into(embeddings, self._database.dialect).on_conflict_do_nothing(), row)

    def embeddings(self, model: str, ids: Iterable[str]) -> dict[str, bytes]:
        """The embeddings by `model` of those programs in `ids` that have one."""
        wanted = list(dict.fromkeys(ids))
        with self._database.reading() as connection:
            chunks = [
                connection.execute(_VECTORS, {"of_model": model, "wanted": part}).all() for part in id_parts(wanted)
            ]
        return {row.candidate_id: row.vector for chunk in chunks for row in chunk}
