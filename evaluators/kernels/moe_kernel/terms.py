"""What the task `moe_kernel` asks for and reports."""

from __future__ import annotations

from evaluators.contract import Direction, EntryPoint, MetricSpec
from evaluators.kernels.moe_kernel.stages import DTYPE, FORMS, MOST_ERROR, Form
from evaluators.kernels.shapes import Stage

WEAK_BASELINE = "naive"

_TERMS = (
    ("score", "1", Direction.MAXIMIZE, "(t_naive - t) / (t_naive - t_floor); 0 for a correct program where no GPU is"),
    ("time_us", "us", Direction.MINIMIZE, "median time of one call, caches cold; a GPU's"),
    ("naive_us", "us", Direction.MINIMIZE, "the same of the naive program, timed in turns with it"),
    ("floor_us", "us", Direction.MINIMIZE, "the roofline's floor from the ceilings measured on this GPU"),
    ("error", "1", Direction.MINIMIZE, "norm of the difference over the norm of the expected, the worst of all calls"),
    ("registers", "1", Direction.MINIMIZE, "of a thread, in the kernel that takes most; from ptxas for sm_90a"),
    ("spill_bytes", "B", Direction.MINIMIZE, "of a thread, registers kept in memory, in the kernel that spills most"),
    ("shared_bytes", "B", Direction.MINIMIZE, "of a block, in the kernel that takes most"),
)
METRICS = tuple(MetricSpec(name=n, unit=u, direction=d, description=text) for n, u, d, text in _TERMS)

_LETTERS = "T tokens, D width, E experts, K experts per token, F expert width, R = T*K rows"


def entry_points(stage: Stage) -> tuple[EntryPoint, ...]:
    """What a program for `stage` defines."""
    return (_plan(stage), _SCRATCH)


def _plan(stage: Stage) -> EntryPoint:
    form = FORMS[stage]
    given = "; ".join(_described(one) for one in form.inputs)
    written = "; ".join(_described(one) for one in form.outputs)
    return EntryPoint(
        name="plan",
        signature="plan(shape) -> list of launches",
        description=(
            f"The stage {stage.value} of a mixture-of-experts layer, as launches of Triton kernels that run one after "
            f"the other. {form.formula}. {_LETTERS}. Inputs: {given}. Outputs, all to be written: {written}. "
            "All arrays are dense, row-major and 256-byte aligned; sizes need not be powers of two. `shape` has the "
            "attributes T, D, E, K, F, R (ints), dtype ('bfloat16' or 'float16' where it is compiled and timed, "
            "'float32' or 'float16' where it is interpreted), stage (str) and interpreted (bool). A launch is a dict: "
            "'kernel' (a function under @triton.jit), 'grid' (one to three ints), 'args' (each parameter that is not "
            "constexpr: the name of a buffer, which gives its pointer, or a number), 'constexprs' (all others), "
            "'num_warps' (default 4), 'num_stages' (default 3). plan sees sizes only, never data, and decides all "
            "that depends on sizes; kernels may use what Triton 3.6 and 3.7 both have. What bounds a loop should be "
            "constexpr; what a kernel multiplies with tl.dot must have 16 rows and columns at least. "
            f"{_accuracy(stage)}The shapes that are timed have thousands of tokens and widths of a thousand and more "
            "(such as T 16384, D 2048, E 64, K 8, F 1024), those that are interpreted T and D below 128."
        ),
    )


_SCRATCH = EntryPoint(
    name="scratch",
    signature="scratch(shape) -> dict",
    description=(
        "Optional: further buffers for what one launch hands to the next, {name: ((extent, ...), dtype)} with dtype "
        "float32, float16, bfloat16 or int32. They hold NaN (-1 in int32) before each call of the plan."
    ),
)


def _accuracy(stage: Stage) -> str:
    """How near the outputs must come; what is copied or chosen says so in its formula."""
    if stage in (Stage.PERMUTE, Stage.ROUTER):
        return ""
    errors = ", ".join(f"{error:g} in {dtype}" for dtype, error in MOST_ERROR.items())
    return f"Compared with float64, the norm of the difference over the expected norm must be at most {errors}. "


def _described(form: Form) -> str:
    dtype = "shape.dtype" if form.dtype == DTYPE else form.dtype
    return f"{form.name} ({', '.join(form.extents)}) {dtype}, {form.meaning}"
