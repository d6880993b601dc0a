"""Which known program is nearest by its embedding. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evolve.search.request import SearchError

CAPACITY = 5_000  # programs; at 1,536 numbers each, 31 MB


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A known program, and how near it is."""

    candidate_id: str
    cosine: float


class Neighbours:
    """The directions of the programs added last, in one matrix; each further one takes the place of the oldest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity < 1:
            raise SearchError(f"expected room for at least one program, found {capacity}")
        self._capacity = capacity
        self._matrix = np.zeros((0, 0), np.float32)
        self._ids: list[str] = []  # of the rows
        self._known: set[str] = set()
        self._oldest = 0  # row

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, candidate_id: str) -> bool:
        return candidate_id in self._known

    def add(self, candidate_id: str, vector: np.ndarray) -> None:
        """Remember a program by its ``(D,)`` embedding, once; one of zeros has no direction and is left out.

        Raises:
            SearchError: It has another length than those before.
        """
        length = float(np.linalg.norm(vector.astype(np.float64)))
        if length == 0 or candidate_id in self._known:
            return
        row = self._row_for(candidate_id, len(vector))
        self._matrix[row] = vector / length

    def nearest(self, vector: np.ndarray) -> Neighbour | None:
        """The program whose embedding has the largest cosine with the ``(D,)`` `vector`; None if there is none.

        Raises:
            SearchError: It has another length than those before.
        """
        length = float(np.linalg.norm(vector.astype(np.float64)))
        if not self._ids or length == 0:
            return None
        self._require_length(len(vector))
        cosines = self._matrix[: len(self._ids)] @ (vector / length).astype(np.float32)
        row = int(cosines.argmax())
        return Neighbour(self._ids[row], min(float(cosines[row]), 1.0))

    def _row_for(self, candidate_id: str, length: int) -> int:
        if not self._ids:
            self._matrix = np.zeros((0, length), np.float32)
        self._require_length(length)
        if len(self._ids) == self._capacity:
            row = self._oldest
            self._known.remove(self._ids[row])
            self._known.add(candidate_id)
            self._ids[row] = candidate_id
            self._oldest = (row + 1) % self._capacity
            return row
        self._ids.append(candidate_id)
        self._known.add(candidate_id)
        if len(self._ids) > len(self._matrix):
            room = min(self._capacity, max(64, 2 * len(self._matrix)))
            grown = np.zeros((room, length), np.float32)
            grown[: len(self._matrix)] = self._matrix
            self._matrix = grown
        return len(self._ids) - 1

    def _require_length(self, length: int) -> None:
        if self._matrix.shape[1] != length:
            raise SearchError(f"expected an embedding of {self._matrix.shape[1]} numbers as before, found {length}")
