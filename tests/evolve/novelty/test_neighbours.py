from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.novelty.neighbours import Neighbours
from evolve.search.request import SearchError

NUMBERS = st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.01)


def directions(vectors: list[list[float]]) -> np.ndarray:
    found = np.array(vectors, np.float64)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


@given(vectors=st.lists(NUMBERS, min_size=1, max_size=40), capacity=st.integers(1, 12), wanted=NUMBERS)
def test_the_nearest_of_those_added_last_is_found(
    vectors: list[list[float]], capacity: int, wanted: list[float]
) -> None:
    neighbours = Neighbours(capacity)
    for number, vector in enumerate(vectors):
        neighbours.add(str(number), np.array(vector, np.float32))
    first = max(0, len(vectors) - capacity)
    cosines = directions(vectors[first:]) @ directions([wanted])[0]
    found = neighbours.nearest(np.array(wanted, np.float32))
    assert found is not None
    assert found.cosine == pytest.approx(cosines.max(), abs=1e-5)
    assert cosines[int(found.candidate_id) - first] == pytest.approx(cosines.max(), abs=1e-5)
    assert len(neighbours) == len(vectors) - first
    assert [str(number) in neighbours for number in range(len(vectors))] == [n >= first for n in range(len(vectors))]


def test_length_does_not_matter_and_direction_does() -> None:
    neighbours = Neighbours()
    neighbours.add("a", np.array([3.0, 0.0], np.float32))
    neighbours.add("b", np.array([0.0, 0.1], np.float32))
    nearest = neighbours.nearest(np.array([1.0, 2.0], np.float32))
    assert nearest is not None
    assert nearest.candidate_id == "b"
    assert nearest.cosine == pytest.approx(2 / 5**0.5)


def test_a_known_program_is_not_added_again() -> None:
    neighbours = Neighbours(2)
    for name in ("a", "b", "a"):
        neighbours.add(name, np.array([1.0, 0.0], np.float32))
    assert len(neighbours) == 2


def test_zeros_are_near_nothing() -> None:
    neighbours = Neighbours()
    zeros = np.zeros(2, np.float32)
    neighbours.add("a", zeros)
    assert len(neighbours) == 0
    assert neighbours.nearest(np.ones(2, np.float32)) is None
    neighbours.add("b", np.ones(2, np.float32))
    assert neighbours.nearest(zeros) is None


def test_embeddings_of_another_length_are_refused() -> None:
    neighbours = Neighbours()
    neighbours.add("a", np.ones(3, np.float32))
    with pytest.raises(SearchError, match="expected an embedding of 3 numbers as before, found 2"):
        neighbours.add("b", np.ones(2, np.float32))
    with pytest.raises(SearchError, match="found 4"):
        neighbours.nearest(np.ones(4, np.float32))
    with pytest.raises(SearchError, match="at least one"):
        Neighbours(0)
