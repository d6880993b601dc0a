"""Which texts in PTX may be run: one kernel for the task's GPU, with the launch's parameters, that keeps no state."""

from __future__ import annotations

import pytest

from evaluators.kernels.moe_kernel.plans import Argument
from evaluators.kernels.moe_kernel.ptx import MOST_PTX_CHARS, PtxError, check_plan, read_entry
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
        (HEAD.replace("64\n", "64 .visible .global .u64 seen;\n") + BODY, "keep nothing"),  # behind another directive
        (ADD.replace("ret;", "done: .global .u64 seen; ret;"), "keep nothing"),  # behind a label
        (HEAD + ".visible.global .u64 seen;\n" + BODY, "keep nothing"),
        (HEAD + ".visible .attribute(.managed) .global .u64 seen;\n" + BODY, "keep nothing"),
        (HEAD + '.file 1 "/*"\n.visible .global .u64 seen;\n.file 2 "*/"\n' + BODY, "keep nothing"),
        (HEAD + '.file 1 "a\\"/*"\n.visible .global .u64 seen;\n.file 2 "*/"\n' + BODY, "printable"),
        (HEAD + "// \r.visible .global .u64 seen;\n" + BODY, "printable"),
        (ADD + "/* no end", "expected '\\*/' after"),
        (ADD + '.file 1 "no end\n"', "expected '\"' after"),
        (ADD + "//" + "x" * MOST_PTX_CHARS, "unroll less"),
        (ADD.replace(".visible", ".weak"), "from elsewhere"),
        (ADD.replace(".visible .entry", ".visible.entry"), "one kernel"),
        (HEAD + ".visible .entry add(", "one kernel"),
        (HEAD + ".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n" + BODY, "from elsewhere"),
    ],
)
def test_what_a_kernel_may_not_be(ptx: str, why: str) -> None:
    with pytest.raises(PtxError, match=why):
        read_entry(ptx)


@pytest.mark.parametrize(
    "piece",
    ["/*", '"', '""', ".visible .entry a(", "\n", ".extern ", ".param .u64 ", ".global_", ":", "//\n"],
)
def test_texts_that_are_long_and_empty_are_refused(piece: str) -> None:
    """With patterns that search on from everywhere they held the worker for hours."""
    with pytest.raises(PtxError, match="unroll less"):
        read_entry(piece * (8_000_000 // len(piece)))
    with pytest.raises(PtxError):
        read_entry(HEAD + piece * ((MOST_PTX_CHARS - len(HEAD)) // len(piece)))


def test_line_numbers_and_shared_memory_of_the_launch_pass() -> None:
    text = HEAD + '.file 1 "/home/a // b/kernel.py"\n.extern .shared .align 16 .b8 global_smem[];\n' + BODY
    assert read_entry(text.replace("ret;", ".loc 1 3 4 // kernel.py:3\n ret;")).name == "add"


@pytest.mark.parametrize(
    "instruction",
    [
        "fence.proxy.async.global;",
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%rd1, {%r2, %r3}], [%r4];",
        "tensormap.replace.tile.global_address.global.b1024.b64 [%rd1], %rd2;",
        "@%p1 red.relaxed.gpu.global.add.f32 [%rd1], %f1;",
        "wait: cvta.to.global.u64 %rd2, %rd1;",
    ],
)
def test_instructions_on_global_memory_are_no_variables(instruction: str) -> None:
    assert read_entry(ADD.replace("ret;", f"{instruction}\n ret;")).name == "add"


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
