"""Programs in the real sandbox: what is played, compiled and refused. One zygote with torch and triton for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluators.adapters.hosting import hosted
from evaluators.candidate import CandidateFailure
from evaluators.contract import Limits, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.kernels.moe_kernel.parameters import HOST
from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.moe_kernel.task import KernelProblem
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.sandboxed_candidate import SandboxedCandidate
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed
from tests.evaluators.kernels.moe_kernel.triton_texts import COMBINE, edited

pytest.importorskip("torch", reason="moe_kernel needs torch")
pytest.importorskip("triton", reason="moe_kernel needs triton")

import torch

from evaluators.kernels.moe_kernel.inputs import make_inputs
from evaluators.kernels.moe_kernel.program import Program

LIMITS = Limits(wall_s=120.0, cpu_s=60.0, call_wall_s=60.0)
TINY = LayerShape(tokens=20, width=48, experts=8, top_k=2, expert_width=16, dtype="float32")
LARGE = LayerShape(tokens=4096, width=2048, experts=64, top_k=8, expert_width=1024)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("numpy", "torch", "triton")) as started:
        yield started


def play(loaded: SandboxedCandidate) -> dict[str, torch.Tensor]:
    given = make_inputs(Stage.COMBINE, TINY, Load.EVEN, 7, torch.device("cpu"))
    return Program(loaded, Stage.COMBINE).play(TINY, given)


def tried(sandbox: Sandbox, source: str) -> None:
    with sandbox.candidate(hosted(source, HOST), LIMITS) as loaded:
        play(loaded)
        Program(loaded, Stage.COMBINE).compiled(LARGE)


def refusal(sandbox: Sandbox, source: str) -> CandidateFailure:
    with pytest.raises(CandidateFailure) as refused:
        tried(sandbox, source)
    return refused.value


def test_a_program_is_played_compiled_and_played_again_in_one_child(sandbox: Sandbox) -> None:
    with sandbox.candidate(hosted(COMBINE, HOST), LIMITS) as loaded:
        first = play(loaded)["out"]
        plan, machines = Program(loaded, Stage.COMBINE).compiled(LARGE)
        again = play(loaded)["out"]
    given = make_inputs(Stage.COMBINE, TINY, Load.EVEN, 7, torch.device("cpu"))
    assert torch.allclose(first, given["rows"][given["place"].long()].sum(1))
    assert torch.equal(first, again)
    assert plan.launches[0].grid == (512, 1, 1)
    assert [argument.value for argument in plan.launches[0].arguments] == ["rows", "place", "out", 4096, 2048]
    assert machines[0].cubin.startswith(b"\x7fELF")


def test_the_text_of_a_compiled_plan_does_not_depend_on_comments(sandbox: Sandbox) -> None:
    plans = []
    for source in (COMBINE, COMBINE.replace("    d = tl.arange", "    # another line\n    d = tl.arange")):
        with sandbox.candidate(hosted(source, HOST), LIMITS) as loaded:
            plans.append(Program(loaded, Stage.COMBINE).compiled(LARGE)[0])
    assert plans[0] == plans[1]


def test_reductions_may_be_called_as_methods_and_one_kernel_from_another(sandbox: Sandbox) -> None:
    helper = "@triton.jit\ndef twice(x):\n    return x + x.sum(axis=0)[None, :] * 0\n\n\n@triton.jit\ndef combine("
    source = edited("@triton.jit\ndef combine(", helper).replace("total.to(out", "twice(total).to(out")
    with sandbox.candidate(hosted(source, HOST), LIMITS) as loaded:
        assert bool(play(loaded)["out"].isfinite().all())
        Program(loaded, Stage.COMBINE).compiled(LARGE)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("def plan(", "def plans(", "must define the function plan"),
        ("return [{", "return [][:0] and [{", "a list of 1 to 8 launches"),
        ('"kernel": combine', '"kernel": plan', "under @triton.jit"),
        ('"rows": "rows"', '"rows": "weights"', "no buffer 'weights'"),
        ('"T": shape.T, ', "", "must name each of them once"),
        ('"K": shape.K, ', "", "must name each of them once"),
        ('"T": shape.T', '"T": "rows", "num": 1', "must name each of them once"),
        ('"T": shape.T', '"T": float("nan")', "finite float"),
        ('"grid": (triton', '"warps": 4, "grid": (triton', "a launch is a dict with the keys"),
        ("(triton.cdiv(shape.T, 8),)", "(0,)", "positive ints"),
        ('"args": args,', '"args": args, "num_warps": 3,', "num_warps: expected one of"),
        (
            "(t < T)[:, None] & (d < D)[None, :]\n    total",
            "(d < D)[None, :]\n    total",
            "outside of the buffer 'out'",
        ),
        ("tl.store(out +", "tl.store(rows +", "changed the input 'rows'"),
        ("tl.arange(0, BLOCK_D)", "tl.arange(0, D)", "Error"),
        ("import triton\n", "import triton\n)", "syntax error"),
    ],
)
def test_what_is_not_what_the_task_asked_for_is_told(sandbox: Sandbox, old: str, new: str, why: str) -> None:
    failure = refusal(sandbox, edited(old, new))
    assert failure.outcome is Outcome.INVALID
    assert why in failure.detail


def test_too_much_shared_memory_is_told_without_a_gpu(sandbox: Sandbox) -> None:
    loop = """
    n = tl.arange(0, 128)
    product = tl.zeros((128, 128), dtype=tl.float32)
    for first in range(0, D, 128):
        tile = tl.load(rows + n[:, None] * D + first + n[None, :])
        product = tl.dot(tile, tl.trans(tile), product)
    total = tl.zeros"""
    source = edited("\n    total = tl.zeros", loop).replace("total.to(out", "(total + tl.sum(product) * 0).to(out")
    source = source.replace('"args": args,', '"args": args, "num_stages": 8,')
    with sandbox.candidate(hosted(source, HOST), LIMITS) as loaded, pytest.raises(CandidateFailure) as refused:
        Program(loaded, Stage.COMBINE).compiled(LARGE)
    assert "bytes of shared memory, a block has 232448" in refused.value.detail


def test_what_a_kernel_prints_would_be_a_call_out_of_it(sandbox: Sandbox) -> None:
    source = edited("    tl.store(out", '    tl.device_print("t", t)\n    tl.store(out')
    with sandbox.candidate(hosted(source, HOST), LIMITS) as loaded, pytest.raises(CandidateFailure) as refused:
        Program(loaded, Stage.COMBINE).compiled(LARGE)
    assert refused.value.outcome is Outcome.INVALID


def test_a_right_program_scores_no_more_than_the_naive_one_where_nothing_is_timed(sandbox: Sandbox) -> None:
    problem = KernelProblem().configured({"timing": "off"})
    workload = Workload.build(problem, Tier.QUICK, Split.SEARCH, secret_from_seed(1))
    environment = current_environment(problem.task.libraries, sandbox.layers)
    evaluation = evaluate(problem, workload, COMBINE, sandbox.candidate, environment, ClockPolicy())
    assert (evaluation.outcome, evaluation.objective) == (Outcome.SCORED, 0.0)
    assert "No time was measured" in evaluation.feedback
    assert "time_us" not in evaluation.metrics
    assert evaluation.metrics["registers"] > 0
