"""Which outputs are right: rounding is forgiven, lower precision and wrong, missing or made-up values are not."""

from __future__ import annotations

import pytest

from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.shapes import LayerShape, Stage

pytest.importorskip("torch", reason="the reference needs torch")

import torch

from evaluators.kernels.moe_kernel.inputs import DTYPES, expected, make_inputs
from evaluators.kernels.moe_kernel.verdict import Verdict, judge

CPU = torch.device("cpu")


def a_shape(dtype: str, **changes: int) -> LayerShape:
    sizes = {"tokens": 48, "width": 128, "experts": 16, "top_k": 8, "expert_width": 64, **changes}
    return LayerShape(**sizes, dtype=dtype)


def verdict_on(stage: Stage, dtype: str, change: object = None) -> Verdict:
    """On the expected outputs, rounded to the dtype they must have and changed."""
    shape = a_shape(dtype)
    given = make_inputs(stage, shape, Load.SKEWED, 5, CPU)
    right = expected(stage, shape, given)
    found = {name: value.to(DTYPES[dtype], copy=True) for name, value in right.items()}
    for value in found.values():
        if callable(change):
            change(value)
    return judge(stage, shape, given, right, found)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("stage", [Stage.COMBINE, Stage.PERMUTE, Stage.GATE_UP, Stage.DOWN])
def test_the_expected_rounded_is_right(stage: Stage, dtype: str) -> None:
    assert verdict_on(stage, dtype).fault == ""


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("stage", [Stage.COMBINE, Stage.PERMUTE, Stage.GATE_UP, Stage.DOWN])
def test_zeros_a_constant_and_an_unwritten_row_are_refused(stage: Stage, dtype: str) -> None:
    for change in (torch.Tensor.zero_, lambda x: x.fill_(0.5), lambda x: x[-1].fill_(float("nan"))):
        assert verdict_on(stage, dtype, change).fault


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_sum_in_the_dtype_of_the_result_is_refused(dtype: str) -> None:
    shape = a_shape(dtype)
    given = make_inputs(Stage.COMBINE, shape, Load.EVEN, 1, CPU)
    total = torch.zeros(shape.tokens, shape.width, dtype=DTYPES[dtype])
    for k in range(shape.top_k):
        total += given["rows"][given["place"][:, k].long()]
    right = expected(Stage.COMBINE, shape, given)
    assert "relative error" in judge(Stage.COMBINE, shape, given, right, {"out": total}).fault


def test_products_of_rounded_operands_are_refused_in_float32() -> None:
    shape = a_shape("float32")
    given = make_inputs(Stage.DOWN, shape, Load.EVEN, 1, CPU)
    dropped = {name: x.half().float() if x.is_floating_point() else x for name, x in given.items()}
    found = {name: value.float() for name, value in expected(Stage.DOWN, shape, dropped).items()}
    assert judge(Stage.DOWN, shape, given, expected(Stage.DOWN, shape, given), found).fault


def test_one_wrong_element_among_many_is_refused() -> None:
    def change(x: torch.Tensor) -> None:
        x.view(-1)[7] = -x.view(-1)[7]

    assert verdict_on(Stage.COMBINE, "bfloat16", change).fault


def routed(shape: LayerShape) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    given = make_inputs(Stage.ROUTER, shape, Load.SKEWED, 2, CPU)
    right = expected(Stage.ROUTER, shape, given)
    idx = (right["scores"] + given["bias"].double()).topk(shape.top_k, dim=-1).indices
    gates = right["scores"].gather(1, idx)
    found = {"idx": idx.int(), "gates": (gates / gates.sum(-1, keepdim=True)).float()}
    return given, right, found


def test_the_routers_best_experts_are_right_and_their_order_counts() -> None:
    shape = a_shape("float32")
    given, right, found = routed(shape)
    assert judge(Stage.ROUTER, shape, given, right, found).fault == ""
    swapped = {name: value.flip(-1) for name, value in found.items()}
    assert "best first" in judge(Stage.ROUTER, shape, given, right, swapped).fault


@pytest.mark.parametrize("expert", [-1, 16, 1 << 30])
def test_an_expert_that_does_not_exist_is_refused(expert: int) -> None:
    shape = a_shape("float32")
    given, right, found = routed(shape)
    found["idx"][3, 2] = expert
    assert "from 0 to 15" in judge(Stage.ROUTER, shape, given, right, found).fault


def test_an_expert_taken_twice_and_wrong_gates_are_refused() -> None:
    shape = a_shape("float32")
    given, right, found = routed(shape)
    twice = {**found, "idx": found["idx"].clone()}
    twice["idx"][:, 1] = twice["idx"][:, 0]
    assert "differ" in judge(Stage.ROUTER, shape, given, right, twice).fault
    even = {**found, "gates": torch.full_like(found["gates"], 1 / shape.top_k)}
    assert "gates" in judge(Stage.ROUTER, shape, given, right, even).fault


def test_equal_scores_may_be_taken_in_either_order() -> None:
    shape = a_shape("float32", experts=4, top_k=2)
    given = {"x": torch.zeros(shape.tokens, shape.width), "weight": torch.ones(4, shape.width), "bias": torch.zeros(4)}
    right = expected(Stage.ROUTER, shape, given)
    gates = torch.full((shape.tokens, 2), 0.5)
    for first, second in ((0, 1), (3, 2)):
        idx = torch.tensor([[first, second]], dtype=torch.int32).expand(shape.tokens, 2).contiguous()
        assert judge(Stage.ROUTER, shape, given, right, {"idx": idx, "gates": gates}).fault == ""
