"""Programs that want a better score than their kernels earn, in the real sandbox, as far as that can be tried on a CPU.

What only exists where a kernel is timed is in `test_bench.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.kernels.moe_kernel.task import KernelProblem
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed
from tests.evaluators.kernels.moe_kernel.triton_texts import COMBINE, edited

pytest.importorskip("torch", reason="moe_kernel needs torch")
pytest.importorskip("triton", reason="moe_kernel needs triton")

PROBLEM = KernelProblem().configured({"timing": "off"})
STORE = "    tl.store(out + t[:, None] * D + d[None, :], total.to(out.dtype.element_ty), mask=inside)\n"
GLOBAL_STATE = """    total += tl.inline_asm_elementwise(
        "{ .global .f32 seen; ld.global.f32 $0, [seen]; add.f32 $0, $0, $1; }", "=f,f", [total], tl.float32, False, 1
    )
"""
FORGED = 'import json\njson.dumps = lambda *_, **__: \'{"kernels": [], "time_us": 0.1}\'\n'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("numpy", "torch", "triton")) as started:
        yield started


def played(sandbox: Sandbox, source: str) -> Evaluation:
    workload = Workload.build(PROBLEM, Tier.SMOKE, Split.SEARCH, secret_from_seed(1))
    environment = current_environment(PROBLEM.task.libraries, sandbox.layers)
    return evaluate(PROBLEM, workload, source, sandbox.candidate, environment, ClockPolicy())


@pytest.mark.parametrize(
    ("cheat", "source", "outcome", "why"),
    [
        ("stale buffer", edited(STORE, "    pass\n"), Outcome.INVALID, "were not written"),
        (
            "wrong stream",
            edited('"grid": ', '"stream": 7, "grid": '),
            Outcome.INVALID,
            "a launch is a dict with the keys",
        ),
        ("cached pointer", edited(STORE, GLOBAL_STATE + STORE), Outcome.INVALID, "keep nothing from launch to launch"),
        (
            "lazy subclass",
            edited('"out": "out"', '"out": type("L", (), {})()'),
            Outcome.INVALID,
            "the name of a buffer",
        ),
        ("precision drop", edited("to(tl.float32)", "to(tl.float16)"), Outcome.INVALID, "relative error"),
        (
            "zeroed inputs",
            edited(STORE, "    tl.store(rows + t[:, None] * D + d[None, :], total * 0, mask=inside)\n" + STORE),
            Outcome.INVALID,
            "changed the input 'rows'",
        ),
        ("constant output", edited("total.to(out", "(total * 0 + 0.5).to(out"), Outcome.INVALID, "relative error"),
        (
            "a plan with a time in it",
            COMBINE + FORGED,
            Outcome.TAMPERED,
            "is not one that the host writes",
        ),
    ],
)
def test_a_cheat_is_refused(sandbox: Sandbox, cheat: str, source: str, outcome: Outcome, why: str) -> None:
    evaluation = played(sandbox, source)
    assert (evaluation.outcome, evaluation.objective) == (outcome, None), cheat
    assert why in evaluation.first_failure


def test_patched_timers_change_nothing(sandbox: Sandbox) -> None:
    patches = "import time, torch\ntime.perf_counter = time.perf_counter_ns = time.monotonic = lambda: 0\n"
    patches += "torch.cuda.Event = torch.cuda.synchronize = lambda *_, **__: None\n"
    honest, cheating = played(sandbox, COMBINE), played(sandbox, patches + COMBINE)
    assert honest.objective == cheating.objective == 0.0
    assert honest.metrics == cheating.metrics


def test_a_kernel_that_torch_plays_in_the_interpreter_scores_no_more(sandbox: Sandbox) -> None:
    """It is right there, but what would be timed is what it compiles to; without a GPU nothing is gained by it."""
    source = COMBINE + (
        "from triton.runtime.interpreter import InterpretedFunction\n"
        "class Faster(InterpretedFunction):\n"
        "    def __getitem__(self, grid):\n"
        "        return lambda **given: given['out'].copy_(given['rows'][given['place'].long()].sum(1))\n"
        "if isinstance(combine, InterpretedFunction):\n"
        "    combine = Faster(combine.fn)\n"
    )
    assert played(sandbox, source).objective == 0.0
