"""What holds for all tasks that come with us."""

from __future__ import annotations

import pytest

from evaluators.contract import Tier
from evaluators.registry import BUILT_IN, problem

SMALLER = {"circle_packing", "moe_kernel", "moe_loss", "toy"}  # whose smoke instances are a fraction of the others


@pytest.mark.parametrize("name", sorted(BUILT_IN.keys() - SMALLER))
def test_no_program_is_stopped_in_smoke_that_quick_would_have_time_for(name: str) -> None:
    limits = problem(name).task.limits
    assert limits[Tier.SMOKE] == limits[Tier.QUICK]
