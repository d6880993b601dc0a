"""Who is kept for being different: the best of each kind of behaviour, and those that nobody beats in every respect.

Pure: no SQL, no randomness. Both keep the older of two equals, so the order of additions decides ties and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from archive.errors import ArchiveError
from evaluators.contract import Descriptor

Cell = tuple[int, ...]


class AddStatus(StrEnum):
    """What became of a program offered to a grid or a front."""

    NOT_ADDED = "not_added"
    IMPROVED = "improved"  # it took the place of worse ones
    NEW = "new"  # it took no one's place


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One behaviour that an `EliteGrid` tells apart, in bins of equal width."""

    name: str
    low: float
    high: float
    num_bins: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high and self.num_bins > 0):
            raise ArchiveError(
                f"axis {self.name} needs finite low < high and at least one bin, "
                f"found {self.low}, {self.high} and {self.num_bins}"
            )

    @classmethod
    def of(cls, descriptor: Descriptor) -> Axis:
        """The axis that a task declares.

        Raises:
            ArchiveError: It has no width or no bin.
        """
        return cls(name=descriptor.metric, low=descriptor.low, high=descriptor.high, num_bins=descriptor.bins)

    def bin_of(self, value: float) -> int:
        """The bin of `value`, in ``[0, num_bins)``; values beyond the ends fall into the end bins.

        Raises:
            ArchiveError: `value` is NaN.
        """
        if math.isnan(value):
            raise ArchiveError(f"expected a number for behaviour {self.name}, found NaN")
        if value <= self.low:
            return 0
        # each end is halved apart, for high - low may overflow
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return min(int(min(share, 1.0) * self.num_bins), self.num_bins - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The program that holds a cell."""

    candidate_id: str
    score: float  # higher is better
    descriptor: tuple[float, ...]  # one value per axis


class EliteGrid:
    """The best program of each cell of behaviour space (MAP-Elites).

    Source: Mouret and Clune, Illuminating search spaces by mapping elites, 2015 (arXiv 1504.04909).
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        if not axes:
            raise ArchiveError("an elite grid needs at least one axis, found none")
        self.axes = tuple(axes)
        self._holders: dict[Cell, Holder] = {}

    def cell_of(self, descriptor: Sequence[float]) -> Cell:
        """The cell of a program that behaves so.

        Raises:
            ArchiveError: There is not one value per axis, or one is NaN.
        """
        if len(descriptor) != len(self.axes):
            raise ArchiveError(f"expected {len(self.axes)} behaviours, one per axis, found {len(descriptor)}")
        return tuple(axis.bin_of(value) for axis, value in zip(self.axes, descriptor, strict=True))

    def add(self, candidate_id: str, score: float, descriptor: Sequence[float]) -> AddStatus:
        """Offers a program, which takes its cell if that is empty or held by one with a lower score.

        Raises:
            ArchiveError: `score` is not finite, or `descriptor` does not fit the axes.
        """
        _check_finite(score)
        cell = self.cell_of(descriptor)
        held = self._holders.get(cell)
        if held is not None and held.score >= score:
            return AddStatus.NOT_ADDED
        self._holders[cell] = Holder(candidate_id=candidate_id, score=score, descriptor=tuple(descriptor))
        return AddStatus.NEW if held is None else AddStatus.IMPROVED

    def holder(self, cell: Cell) -> Holder | None:
        """Who holds `cell`; None if it is empty."""
        return self._holders.get(cell)

    @property
    def coverage(self) -> float:
        """The share of cells that are held, in ``[0, 1]``."""
        return len(self._holders) / math.prod(axis.num_bins for axis in self.axes)

    def __len__(self) -> int:
        return len(self._holders)

    def __iter__(self) -> Iterator[tuple[Cell, Holder]]:
        """Cells and their holders, in cell order."""
        return iter(sorted(self._holders.items(), key=lambda item: item[0]))


@dataclass(frozen=True, slots=True)
class Member:
    """A program on a Pareto front."""

    candidate_id: str
    objectives: tuple[float, ...]  # higher is better in each


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is at least as high everywhere and higher somewhere."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))


class ParetoFront:
    """The programs that no other beats in every objective at once."""

    def __init__(self, num_objectives: int) -> None:
        if num_objectives < 1:
            raise ArchiveError(f"a Pareto front needs at least one objective, found {num_objectives}")
        self.num_objectives = num_objectives
        self._members: list[Member] = []

    def add(self, candidate_id: str, objectives: Sequence[float]) -> AddStatus:
        """Offers a program, which drives out those it dominates; one that equals a member stays outside.

        Raises:
            ArchiveError: There are not `num_objectives` finite objectives.
        """
        if len(objectives) != self.num_objectives:
            raise ArchiveError(f"expected {self.num_objectives} objectives, found {len(objectives)}")
        for value in objectives:
            _check_finite(value)
        offered = tuple(objectives)
        if any(member.objectives == offered or dominates(member.objectives, offered) for member in self._members):
            return AddStatus.NOT_ADDED
        kept = [member for member in self._members if not dominates(offered, member.objectives)]
        status = AddStatus.NEW if len(kept) == len(self._members) else AddStatus.IMPROVED
        self._members = [*kept, Member(candidate_id, offered)]
        return status

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        """The members, oldest first."""
        return iter(self._members)


def _check_finite(value: float) -> None:
    if not math.isfinite(value):
        raise ArchiveError(f"expected a finite score, found {value}")
