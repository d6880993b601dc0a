from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.elites import AddStatus, Axis, EliteGrid, ParetoFront, dominates
from archive.errors import ArchiveError

finite = st.floats(allow_nan=False, allow_infinity=False)
coarse = st.integers(-3, 3).map(float)  # so that equal and dominated ones happen
points = st.lists(st.tuples(coarse, coarse, coarse), max_size=30)
AXES = (Axis(name="length", low=0.0, high=1.0, num_bins=4), Axis(name="depth", low=-1.0, high=1.0, num_bins=3))


@given(low=finite, high=finite, num_bins=st.integers(1, 50), value=st.floats(allow_nan=False))
def test_each_value_has_one_bin(low: float, high: float, num_bins: int, value: float) -> None:
    if not low < high:
        low, high = high - 1.0, high + 1.0
    if not low < high:
        return  # so large that one makes no difference
    assert 0 <= Axis(name="x", low=low, high=high, num_bins=num_bins).bin_of(value) < num_bins


@given(one=finite, other=finite)
def test_bins_keep_the_order(one: float, other: float) -> None:
    axis = Axis(name="x", low=-10.0, high=10.0, num_bins=7)
    assert axis.bin_of(min(one, other)) <= axis.bin_of(max(one, other))


def test_bins_have_equal_width() -> None:
    axis = Axis(name="x", low=0.0, high=1.0, num_bins=4)
    values = (-math.inf, -9.0, 0.0, 0.24, 0.25, 0.5, 0.99, 1.0, math.inf)
    assert [axis.bin_of(value) for value in values] == [0, 0, 0, 0, 1, 2, 3, 3, 3]


@given(offers=st.lists(st.tuples(coarse, st.floats(-0.5, 1.5), st.floats(-2, 2)), max_size=40))
def test_cell_is_held_by_the_first_of_the_best(offers: list[tuple[float, float, float]]) -> None:
    grid = EliteGrid(AXES)
    for number, (score, *descriptor) in enumerate(offers):
        grid.add(str(number), score, descriptor)
    for cell, holder in grid:
        inside = [(score, -number) for number, (score, *d) in enumerate(offers) if grid.cell_of(d) == cell]
        best_score, negative_number = max(inside)
        assert (holder.score, holder.candidate_id) == (best_score, str(-negative_number))
    assert len(grid) == len({grid.cell_of(descriptor) for _, *descriptor in offers})
    assert grid.coverage == len(grid) / 12


def test_grid_says_what_became_of_an_offer() -> None:
    grid = EliteGrid(AXES)
    assert grid.add("a", 0.5, (0.1, 0.0)) is AddStatus.NEW
    assert grid.add("b", 0.5, (0.1, 0.0)) is AddStatus.NOT_ADDED
    assert grid.add("c", 0.6, (0.2, 0.1)) is AddStatus.IMPROVED
    holder = grid.holder(grid.cell_of((0.2, 0.1)))
    assert holder is not None
    assert (holder.candidate_id, holder.score, holder.descriptor) == ("c", 0.6, (0.2, 0.1))
    assert grid.holder((3, 2)) is None


@given(offers=points)
def test_front_is_what_no_offer_dominates(offers: list[tuple[float, ...]]) -> None:
    front = ParetoFront(3)
    for number, point in enumerate(offers):
        front.add(str(number), point)
    undominated = [point for point in offers if not any(dominates(other, point) for other in offers)]
    assert {member.objectives for member in front} == set(undominated)
    assert len(front) == len(set(undominated))
    assert [int(member.candidate_id) for member in front] == sorted({offers.index(point) for point in undominated})


@given(one=st.tuples(coarse, coarse), other=st.tuples(coarse, coarse))
def test_domination_goes_one_way(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert not (dominates(one, other) and dominates(other, one))
    assert not dominates(one, one)


def test_front_says_what_became_of_an_offer() -> None:
    front = ParetoFront(2)
    assert front.add("a", (1.0, 0.0)) is AddStatus.NEW
    assert front.add("b", (0.0, 1.0)) is AddStatus.NEW
    assert front.add("c", (1.0, 0.0)) is AddStatus.NOT_ADDED
    assert front.add("d", (1.0, 1.0)) is AddStatus.IMPROVED
    assert [member.candidate_id for member in front] == ["d"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scores_are_finite(value: float) -> None:
    with pytest.raises(ArchiveError, match="finite"):
        EliteGrid(AXES).add("a", value, (0.0, 0.0))
    with pytest.raises(ArchiveError, match="finite"):
        ParetoFront(2).add("a", (0.0, value))


def test_shapes_are_checked() -> None:
    with pytest.raises(ArchiveError, match="expected 2 behaviours"):
        EliteGrid(AXES).add("a", 0.0, (0.0,))
    with pytest.raises(ArchiveError, match="NaN"):
        EliteGrid(AXES).add("a", 0.0, (0.0, math.nan))
    with pytest.raises(ArchiveError, match="expected 2 objectives"):
        ParetoFront(2).add("a", (0.0,))
    with pytest.raises(ArchiveError, match="at least one axis"):
        EliteGrid(())
    with pytest.raises(ArchiveError, match="at least one objective"):
        ParetoFront(0)
    with pytest.raises(ArchiveError, match="low < high"):
        Axis(name="x", low=1.0, high=1.0, num_bins=3)
