"""What a run may still spend on models. Every call reserves its upper bound first. Pure: no clock, no archive."""

from __future__ import annotations

from dataclasses import dataclass

_TOLERANCE_USD = 1e-9  # sums of prices round


@dataclass(frozen=True, slots=True)
class Reservation:
    """The upper bound of a call in flight."""

    number: int
    usd: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is neither spent nor reserved; None means without limit."""

    usd: float | None
    tokens: int | None


class Purse:
    """Spent plus reserved is never above the budget, as long as no call costs more than it reserved."""

    def __init__(
        self, usd: float | None = None, tokens: int | None = None, *, spent_usd: float = 0.0, spent_tokens: int = 0
    ) -> None:
        """`spent_*` is what the run has in its archive already."""
        self._budget = Left(usd, tokens)
        self._open: dict[int, Reservation] = {}
        self._next = 0
        self.spent_usd = spent_usd
        self.spent_tokens = spent_tokens

    @property
    def num_open(self) -> int:
        """Reservations neither settled nor released."""
        return len(self._open)

    @property
    def reserved_usd(self) -> float:
        """Upper bound of what the calls in flight may cost."""
        return sum(reservation.usd for reservation in self._open.values())

    @property
    def reserved_tokens(self) -> int:
        """The same in tokens."""
        return sum(reservation.tokens for reservation in self._open.values())

    def left(self) -> Left:
        """What may still be reserved."""
        budget = self._budget
        return Left(
            None if budget.usd is None else max(budget.usd - self.spent_usd - self.reserved_usd, 0.0),
            None if budget.tokens is None else max(budget.tokens - self.spent_tokens - self.reserved_tokens, 0),
        )

    def reserve(self, usd: float, tokens: int) -> Reservation | None:
        """Room for one call, to be settled or released; None if there is not enough left.

        Raises:
            ValueError: A bound is negative.
        """
        if not (usd >= 0 and tokens >= 0):
            raise ValueError(f"expected bounds of 0 or more to reserve, found {usd} USD and {tokens} tokens")
        left = self.left()
        if (left.usd is not None and usd > left.usd + _TOLERANCE_USD) or (
            left.tokens is not None and tokens > left.tokens
        ):
            return None
        reservation = Reservation(self._next, usd, tokens)
        self._next += 1
        self._open[reservation.number] = reservation
        return reservation

    def settle(self, reservation: Reservation, usd: float, tokens: int) -> None:
        """Book what the call did cost in place of its reservation.

        Raises:
            ValueError: The reservation was settled or released before.
        """
        if self._open.pop(reservation.number, None) is None:
            raise ValueError(f"reservation {reservation.number} is not open: a call is booked once")
        self.spent_usd += usd
        self.spent_tokens += tokens

    def release(self, reservation: Reservation) -> None:
        """Give the reservation back unused; nothing happens if it was settled."""
        self._open.pop(reservation.number, None)

    def refusal(self) -> str:
        """Why `reserve` found no room, for people."""
        limits = [
            *([] if self._budget.usd is None else [f"${self._budget.usd:g}"]),
            *([] if self._budget.tokens is None else [f"{self._budget.tokens} tokens"]),
        ]
        return f"the budget of {' and '.join(limits)} leaves no room for a call"
