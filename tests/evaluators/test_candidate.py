"""What a task may ask of a program."""

from __future__ import annotations

import pytest

from evaluators.candidate import ReplyField
from evaluators.contract import ContractError


def test_a_reply_that_no_program_could_give_is_refused_with_its_name() -> None:
    ReplyField(name="plan", dtype="int64", shape=())
    with pytest.raises(ContractError, match="ReplyField plan: expected a dtype of .*int64.*, found int$"):
        ReplyField(name="plan", dtype="int", shape=(3,))
    with pytest.raises(ContractError, match="ReplyField plan: expected a tuple of lengths as shape, found None"):
        ReplyField(name="plan", dtype="int64", shape=None)  # type: ignore[arg-type]
    with pytest.raises(ContractError, match=r"expected a tuple of lengths as shape, found \(-1,\)"):
        ReplyField(name="plan", dtype="int64", shape=(-1,))
