from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from evolve.llm.purse import Purse, Reservation

BUDGET_USD, BUDGET_TOKENS = 1.0, 1000
SHARE = st.floats(0, 1)


class PurseUnderWay(RuleBasedStateMachine):
    """Calls come and go; none costs more than it reserved."""

    def __init__(self) -> None:
        super().__init__()
        self.purse = Purse(BUDGET_USD, BUDGET_TOKENS)
        self.open: list[Reservation] = []
        self.paid_usd: list[float] = []
        self.paid_tokens = 0

    @rule(usd=st.floats(0, 0.6), tokens=st.integers(0, 600))
    def reserve(self, usd: float, tokens: int) -> None:
        left = self.purse.left()
        reservation = self.purse.reserve(usd, tokens)
        assert left.usd is not None
        assert left.tokens is not None
        assert (reservation is not None) == (usd <= left.usd + 1e-9 and tokens <= left.tokens)
        if reservation is not None:
            self.open.append(reservation)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 100), share=SHARE)
    def settle(self, which: int, share: float) -> None:
        reservation = self.open.pop(which % len(self.open))
        usd, tokens = share * reservation.usd, int(share * reservation.tokens)
        self.purse.settle(reservation, usd, tokens)
        self.paid_usd.append(usd)
        self.paid_tokens += tokens

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 100))
    def release(self, which: int) -> None:
        self.purse.release(self.open.pop(which % len(self.open)))

    @invariant()
    def budget_holds(self) -> None:
        assert self.purse.spent_usd + self.purse.reserved_usd <= BUDGET_USD + 1e-6
        assert self.purse.spent_tokens + self.purse.reserved_tokens <= BUDGET_TOKENS

    @invariant()
    def books_agree(self) -> None:
        assert math.isclose(self.purse.spent_usd, math.fsum(self.paid_usd), abs_tol=1e-9)
        assert self.purse.spent_tokens == self.paid_tokens
        assert self.purse.reserved_tokens == sum(reservation.tokens for reservation in self.open)
        assert self.purse.num_open == len(self.open)


TestPurseUnderWay = PurseUnderWay.TestCase


@given(st.floats(0, 1e6), st.integers(0, 10**9))
def test_purse_without_limits_has_room_for_everything(usd: float, tokens: int) -> None:
    purse = Purse()
    assert purse.reserve(usd, tokens) is not None
    assert purse.left().usd is None


def test_what_the_archive_holds_is_spent_already() -> None:
    purse = Purse(1.0, spent_usd=0.9, spent_tokens=500)
    assert purse.left().usd == pytest.approx(0.1)
    assert purse.reserve(0.2, 1) is None
    assert purse.refusal() == "the budget of $1 leaves no room for a call"


def test_call_that_cost_more_than_it_reserved_is_booked_in_full() -> None:
    purse = Purse(1.0)
    reservation = purse.reserve(0.5, 10)
    assert reservation is not None
    purse.settle(reservation, 1.5, 10)
    assert purse.spent_usd == 1.5
    assert purse.left().usd == 0.0


def test_call_is_booked_once() -> None:
    purse = Purse()
    reservation = purse.reserve(0.5, 10)
    assert reservation is not None
    purse.settle(reservation, 0.4, 9)
    purse.release(reservation)
    assert purse.spent_tokens == 9
    with pytest.raises(ValueError, match="booked once"):
        purse.settle(reservation, 0.4, 9)


@pytest.mark.parametrize(("usd", "tokens"), [(-1.0, 0), (0.0, -1), (math.nan, 0)])
def test_bound_that_is_none_is_refused(usd: float, tokens: int) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Purse().reserve(usd, tokens)
