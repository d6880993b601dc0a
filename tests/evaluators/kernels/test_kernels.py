"""Every kernel against float64, over routings that break kernels: in the interpreter, and the same on a GPU."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the kernels need torch, which is not installed here")
pytest.importorskip("triton", reason="the kernels need triton, which is not installed here")

from triton.tools.tensor_descriptor import TensorDescriptor  # noqa: E402

from evaluators.kernels import grouped, layer, router  # noqa: E402
from evaluators.kernels.cases import LARGE, SMALL, Case  # noqa: E402
from evaluators.kernels.checks import CHECKS, run_check  # noqa: E402
from evaluators.kernels.grouped import gate_up  # noqa: E402
from evaluators.kernels.launch import dtype_named  # noqa: E402
from evaluators.kernels.reference import schedule  # noqa: E402
from evaluators.kernels.trial import Trial, WrongResultError, poisoned, row_error, within  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def seed() -> int:
    """Another one in each run; a failure names it."""
    return int(np.random.SeedSequence().generate_state(1)[0])


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
@pytest.mark.parametrize("check", CHECKS)
def test_kernel_computes_what_the_reference_does(check: str, case: Case, seed: int) -> None:
    run_check(check, Trial(case, CPU, torch.float32, seed))


@pytest.mark.usefixtures("interpreter")
@pytest.mark.parametrize("case", [SMALL[2], SMALL[3]], ids=lambda case: case.name)
@pytest.mark.parametrize("check", CHECKS)
def test_kernel_rounds_half_precision_as_the_reference_does(check: str, case: Case, seed: int) -> None:
    run_check(check, Trial(case, CPU, torch.float16, seed))


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("case", [*SMALL, *LARGE], ids=lambda case: f"{case.name}, {case.shape.tokens} tokens")
@pytest.mark.parametrize("check", CHECKS)
def test_kernel_computes_what_the_reference_does_on_a_gpu(check: str, case: Case, dtype: str, seed: int) -> None:
    run_check(check, Trial(case, torch.device("cuda"), dtype_named(dtype), seed))


@pytest.mark.usefixtures("interpreter")
def test_tiles_come_through_the_copy_engine_where_asked_and_the_sizes_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[TensorDescriptor] = []

    def remembered(*of: object) -> TensorDescriptor:
        asked.append(TensorDescriptor(*of))
        return asked[-1]

    monkeypatch.setattr(grouped, "TensorDescriptor", remembered)
    run_check("products by TMA", Trial(SMALL[2], CPU, torch.float32, 0))
    assert not asked
    run_check("products by TMA", Trial(SMALL[1], CPU, torch.float32, 0))
    assert len(asked) == 5 * 2  # both operands of each product


@pytest.mark.gpu
@pytest.mark.usefixtures("gpu")
def test_host_never_waits_for_the_device() -> None:
    trial = Trial(LARGE[1], torch.device("cuda"), torch.bfloat16, 0)
    idx, x = trial.idx(), trial.normal(trial.case.shape.tokens, trial.case.shape.width)
    leaves = [leaf.requires_grad_() for leaf in (x, trial.gates(), *trial.weights())]
    grad = torch.ones_like(x)
    torch.cuda.set_sync_debug_mode("error")
    try:
        torch.autograd.grad(layer.moe_experts(leaves[0], idx, *leaves[1:]), leaves, grad)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_triton_was_not_imported_before_the_interpreter_was_asked_for(triton_came_first: bool) -> None:
    assert not triton_came_first


@pytest.mark.usefixtures("interpreter")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # numpy, of the subtraction that makes the NaN
def test_token_without_numbers_gets_valid_experts_and_no_others_suffer() -> None:
    draw = torch.Generator().manual_seed(0)
    x, weight = torch.randn(6, 20, generator=draw), torch.randn(5, 20, generator=draw)
    sound = router.route(x, weight, torch.zeros(5), 3)
    x[2, 7] = float("nan")
    found = router.route(x, weight, torch.zeros(5), 3)
    others = [0, 1, 3, 4, 5]
    assert found.gates[2].isnan().all()
    assert len({*found.idx[2].tolist()} & {0, 1, 2, 3, 4}) == 3
    assert torch.equal(found.idx[others], sound.idx[others])
    assert torch.equal(found.gates[others], sound.gates[others])


@pytest.mark.usefixtures("interpreter")
def test_experts_refuse_what_would_fail_silently() -> None:
    idx, gates = torch.zeros(4, 1, dtype=torch.int32), torch.ones(4, 1)
    x, up, down = torch.ones(4, 16), torch.ones(2, 16, 32), torch.ones(2, 16, 16)
    with pytest.raises(TypeError, match="bfloat16"):
        layer.moe_experts(x.bfloat16(), idx, gates, up.bfloat16(), down.bfloat16())
    with pytest.raises(TypeError, match="one dtype"):
        layer.moe_experts(x, idx, gates, up.half(), down)
    with pytest.raises(TypeError, match="float64"):
        layer.moe_experts(x.double(), idx, gates, up.double(), down.double())
    with pytest.raises(ValueError, match=r"within 1\.\.2"):
        router.route(x, torch.ones(2, 16), torch.zeros(2), 3)


@pytest.mark.usefixtures("interpreter")
def test_layer_of_no_tokens_gives_none_back() -> None:
    x, idx, gates = torch.ones(0, 16), torch.ones(0, 2, dtype=torch.int32), torch.ones(0, 2)
    assert layer.moe_experts(x, idx, gates, torch.ones(3, 16, 32), torch.ones(3, 16, 16)).shape == (0, 16)


@pytest.mark.usefixtures("interpreter")
def test_second_backward_pass_gives_the_same_gradients() -> None:
    trial = Trial(SMALL[2], CPU, torch.float32, 0)
    leaves = [leaf.requires_grad_() for leaf in (trial.normal(45, 40), trial.gates(), *trial.weights())]
    out = layer.moe_experts(leaves[0], trial.idx(), *leaves[1:])
    first, second = (torch.autograd.grad(out, leaves, torch.ones_like(out), retain_graph=True) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.usefixtures("interpreter")
def test_unwritten_output_is_found() -> None:
    """The suite's own poison and measure: a product that skips an expert's rows must not pass."""
    trial = Trial(SMALL[1], CPU, torch.float32, 0)
    plan, rows = schedule(trial.idx(), 4), trial.normal(96, 64)
    complete = gate_up(rows, None, 2, trial.weights()[0], plan)
    plan.offsets[4] = plan.offsets[3]  # the last expert has no rows any more
    with poisoned():
        partial = gate_up(rows, None, 2, trial.weights()[0], plan)
    assert row_error(partial, complete) == float("inf")
    with pytest.raises(WrongResultError, match="above"):
        within({"gate_up": row_error(partial, complete)}, 0.02)


def test_one_wrong_row_of_many_is_found() -> None:
    expected = torch.randn(5000, 16, generator=torch.Generator().manual_seed(0))
    found = expected.clone()
    found[4321] *= 1.1
    assert row_error(found, expected) > 0.05
