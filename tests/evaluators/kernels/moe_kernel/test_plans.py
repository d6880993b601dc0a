"""What a child says of its compiled plan is read strictly: nothing of a forged one is believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evaluators import jsonable
from evaluators.candidate import CandidateFailure
from evaluators.contract import Outcome
from evaluators.kernels.moe_kernel.plans import MOST_SCRATCH_BYTES, read_plan
from evaluators.kernels.moe_kernel.stages import Buffer
from tests.evaluators.kernels.moe_kernel.ptx_texts import a_plan

BUFFERS = frozenset({"rows", "place", "out"})
PLAN = replace(a_plan(), scratch=(Buffer(name="sums", size=(4, 8), dtype="float32"),))
Edit = Callable[[Any], object]


def test_a_plan_reads_back_equal() -> None:
    assert read_plan(jsonable.dumps(PLAN).encode(), BUFFERS) == PLAN


@pytest.mark.parametrize(
    "edit",
    [
        lambda plan: plan.pop("scratch"),
        lambda plan: plan.update(time_us=1.0),
        lambda plan: plan["kernels"].clear(),
        lambda plan: plan["launches"].extend(plan["launches"] * 8),
        lambda plan: plan["kernels"][0].update(num_warps=3),
        lambda plan: plan["kernels"][0].update(num_warps=True),
        lambda plan: plan["kernels"][0].update(shared_bytes=-1),
        lambda plan: plan["kernels"][0].update(ptx="é"),
        lambda plan: plan["kernels"][0].update(name="../add"),
        lambda plan: plan["launches"][0].update(kernel=1),
        lambda plan: plan["launches"][0].update(grid=[1, 1]),
        lambda plan: plan["launches"][0].update(grid=[0, 1, 1]),
        lambda plan: plan["launches"][0]["arguments"][0].update(value="weights"),
        lambda plan: plan["launches"][0]["arguments"][0].update(value=4096),
        lambda plan: plan["launches"][0]["arguments"][1].update(value=1 << 31),
        lambda plan: plan["launches"][0]["arguments"][1].update(kind="pointer"),
        lambda plan: plan["launches"][0]["arguments"][2].update(value=float("nan")),
        lambda plan: plan["scratch"][0].update(name="out"),
        lambda plan: plan["scratch"][0].update(dtype="float64"),
        lambda plan: plan["scratch"][0].update(size=[MOST_SCRATCH_BYTES]),
    ],
)
def test_a_forged_plan_is_tampering(edit: Edit) -> None:
    plan = jsonable.to_json(PLAN)
    edit(plan)
    with pytest.raises(CandidateFailure) as refused:
        read_plan(json.dumps(plan).encode(), BUFFERS)
    assert refused.value.outcome is Outcome.TAMPERED


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b"null"])
def test_what_is_no_plan_at_all_is_tampering(text: bytes) -> None:
    with pytest.raises(CandidateFailure) as refused:
        read_plan(text, BUFFERS)
    assert refused.value.outcome is Outcome.TAMPERED
