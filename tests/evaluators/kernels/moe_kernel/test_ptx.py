"""Which texts in PTX may be run: one kernel for the task's GPU, with the launch's parameters, that keeps no state."""

from __future__ import annotations

import pytest

from evaluators.kernels.moe_kernel.plans import Argument
from evaluators.kernels.moe_kernel.ptx import PtxError, check_plan, read_entry
from tests.evaluators.kernels.moe_kernel.ptx_texts import ADD, ARGUMENTS, BODY, HEAD, a_kernel, a_plan


def test_an_entry_is_its_name_its_parameters_and_its_threads() -> None:
    entry = read_entry(ADD)
    assert (entry.name, entry.parameters, entry.threads) == ("add", ("u64", "u32", "f32", "u64", "u64"), 128)


def test_a_plan_that_fits_its_kernel_passes() -> None:
    check_plan(a_plan())


@pytest.mark.parametrize(
    ("ptx", "why"),
    [
        (HEAD, "one kernel"),
        (ADD + BODY.replace("add", "sub"), "one kernel"),
        (ADD.replace("sm_90a", "sm_100a"), "sm_90a"),
        (HEAD + ".global .align 4 .b8 seen[4096];\n" + BODY, "keep nothing"),
        (HEAD + ".visible .global .align 4 .u32 count;" + BODY, "keep nothing"),
        (HEAD + ".const .align 4 .b8 table[16];" + BODY, "keep nothing"),
        (ADD.replace("ret;", "{ .global .u32 seen; } ret;"), "keep nothing"),
        (ADD.replace("ret;", "/* x */ .global .u32 seen; ret;"), "keep nothing"),
        (HEAD + ".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n" + BODY, "from elsewhere"),
    ],
)
def test_what_a_kernel_may_not_be(ptx: str, why: str) -> None:
    with pytest.raises(PtxError, match=why):
        read_entry(ptx)


def test_accesses_to_global_memory_and_comments_about_it_are_no_variables() -> None:
    assert read_entry(ADD.replace("ret;", "st.global.f32 [%rd2], %f1; // .global .u32 x;\n ret;")).name == "add"


@pytest.mark.parametrize(
    ("arguments", "grid"),
    [
        (ARGUMENTS[:2], (1, 1, 1)),
        ((*ARGUMENTS, Argument("i32", 1)), (1, 1, 1)),
        ((ARGUMENTS[0], Argument("i64", 1 << 40), ARGUMENTS[2]), (1, 1, 1)),
        (ARGUMENTS, (1, 70_000, 1)),
    ],
)
def test_a_launch_must_fit_its_kernel_and_the_grid(arguments: tuple[Argument, ...], grid: tuple[int, int, int]) -> None:
    with pytest.raises(PtxError):
        check_plan(a_plan(arguments=arguments, grid=grid))


@pytest.mark.parametrize("changes", [{"name": "sub"}, {"num_warps": 8}, {"shared_bytes": (227 << 10) + 1}])
def test_a_kernel_must_be_what_its_plan_says(changes: dict[str, object]) -> None:
    with pytest.raises(PtxError):
        check_plan(a_plan(a_kernel(**changes)))
