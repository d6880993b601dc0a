"""Embeddings of programs: from the archive where it has them, else from a server, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol
from weakref import WeakValueDictionary

import numpy as np

from archive.records import Candidate
from evolve.errors import EvolveError
from evolve.llm.model import Finish, ModelFailure
from evolve.llm.retrying import RetryPolicy, Stop, after_failure

FLOAT32 = np.dtype("<f4")  # as the archive keeps the numbers


class EmbeddingError(EvolveError):
    """The server will give no embedding at all: a wrong key or name."""


class EmbeddingModel(Protocol):
    """Who turns texts into numbers."""

    async def embed(self, text: str) -> tuple[float, ...]:
        """The embedding of `text`; one try.

        Raises:
            ModelFailure: There is no answer.
        """


class EmbeddingRows(Protocol):
    """The part of the archive that is used here."""

    def embeddings(self, model: str, ids: Iterable[str]) -> dict[str, bytes]:
        """See `archive.embedding_store`."""

    def add_embedding(self, candidate: Candidate, model: str, vector: bytes) -> None:
        """See `archive.embedding_store`."""


class Embedder:
    """Asks at most once per program; without a server it knows what is archived."""

    def __init__(
        self,
        name: str,
        rows: EmbeddingRows,
        model: EmbeddingModel | None,
        policy: RetryPolicy,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._name = name
        self._rows = rows
        self._model = model
        self._policy = policy
        self._now = now
        self._sleep = sleep
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # of programs being asked for

    async def vectors(self, candidates: Iterable[Candidate], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The embedding of each program that has one, by id: ``(D,)`` float32. What is new is archived.

        Raises:
            EmbeddingError: The server refuses for good.
        """
        found: dict[str, np.ndarray] = {}
        for candidate in candidates:
            lock = self._locks.setdefault(candidate.id, asyncio.Lock())
            async with lock:  # of those who want the same program at once, one asks
                vector = await self._vector(candidate, rng)
            if vector is not None:
                found[candidate.id] = np.frombuffer(vector, FLOAT32)
        return found

    async def _vector(self, candidate: Candidate, rng: np.random.Generator) -> bytes | None:
        known = self._rows.embeddings(self._name, [candidate.id])
        if known:
            return known[candidate.id]
        vector = await self._asked(candidate.source, rng)
        if vector is not None:
            self._rows.add_embedding(candidate, self._name, vector)
        return vector

    async def _asked(self, source: str, rng: np.random.Generator) -> bytes | None:
        """The numbers as the archive keeps them; None where the server has none for this program, or none now."""
        if self._model is None:
            return None
        tries: list[Finish] = []
        start_s = self._now()
        while True:
            try:
                return np.array(await self._model.embed(source), FLOAT32).tobytes()
            except ModelFailure as failure:
                if failure.permanent:
                    raise EmbeddingError(f"the model {self._name!r} gives no embeddings: {failure}") from failure
                tries.append(failure.finish)
                left_s = self._policy.deadline_s - (self._now() - start_s)
                decision = after_failure(self._policy, tries, failure.retry_after_s, left_s, rng)
            if isinstance(decision, Stop):
                return None
            await self._sleep(decision.after_s)
