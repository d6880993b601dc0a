"""Kernels in PTX, small enough to read."""

from __future__ import annotations

from evaluators.kernels.moe_kernel.plans import Argument, Kernel, Launch, Plan

HEAD = ".version 8.6\n.target sm_90a\n.address_size 64\n"
BODY = """
.visible .entry add(
    .param .u64 .ptr .global .align 1 add_param_0,
    .param .u32 add_param_1,
    .param .f32 add_param_2,
    .param .u64 .ptr .global .align 1 add_param_3,
    .param .u64 .ptr .global .align 1 add_param_4
)
.reqntid 128
{
    .reg .b64 %rd<3>;
    .reg .f32 %f<2>;
    ld.param.u64 %rd1, [add_param_0]; // the buffer
    cvta.to.global.u64 %rd2, %rd1;
    ld.param.f32 %f1, [add_param_2];
    st.global.f32 [%rd2], %f1;
    ret;
}
"""
ADD = HEAD + BODY
ARGUMENTS = (Argument("buffer", "out"), Argument("i32", 7), Argument("fp32", 0.5))


def a_kernel(**changes: object) -> Kernel:
    fields: dict[str, object] = {
        "ptx": ADD,
        "name": "add",
        "num_warps": 4,
        "shared_bytes": 0,
        "scratch_bytes": 0,
        **changes,
    }
    return Kernel(**fields)  # type: ignore[arg-type]


def a_plan(kernel: Kernel | None = None, **changes: object) -> Plan:
    fields: dict[str, object] = {"kernel": 0, "grid": (4, 1, 1), "arguments": ARGUMENTS, **changes}
    return Plan(kernels=(kernel or a_kernel(),), launches=(Launch(**fields),), scratch=())  # type: ignore[arg-type]
