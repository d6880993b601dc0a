"""What a user may set to make the task their own, and the shapes that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluators.contract import ContractError, Parameter, ParameterKind, ParameterValue
from evaluators.kernels.moe_kernel.stages import STAGES
from evaluators.kernels.shapes import LayerShape, Stage

DEFAULT_STAGE = Stage.COMBINE
HOST = "evaluators.kernels.moe_kernel:child_plan.py+child_host.py"  # what a child loads
_OF_SUITE = "0: the suite's"


def _size(name: str, most: int, description: str) -> Parameter:
    text = f"{description}, of the shape that is compiled and timed; {_OF_SUITE}"
    return Parameter(
        name=name, kind=ParameterKind.INTEGER, default=0, minimum=0, maximum=most, description=text
    )  # fmt: skip


PARAMETERS = (
    Parameter(
        name="stage",
        kind=ParameterKind.CHOICE,
        default=DEFAULT_STAGE.value,
        choices=tuple(stage.value for stage in STAGES),
        description="which step of the layer the program is",
    ),
    Parameter(
        name="dtype",
        kind=ParameterKind.CHOICE,
        default="bfloat16",
        choices=("bfloat16", "float16"),
        description="of activations and weights, compiled and timed; the interpreter takes float32 and float16",
    ),
    Parameter(
        name="timing",
        kind=ParameterKind.CHOICE,
        default="auto",
        choices=("auto", "off"),
        description="auto: on the machine's GPU, if it has one; off: correctness only, as where no GPU is",
    ),
    _size("tokens", 1 << 18, "tokens T"),
    _size("width", 1 << 15, "model width D, a multiple of 16"),
    _size("experts", 1 << 10, "experts E"),
    _size("top_k", 64, "experts per token K"),
    _size("expert_width", 1 << 16, "expert width F, a multiple of 16"),
)
_FIELDS = ("tokens", "width", "experts", "top_k", "expert_width")
_MOST_ELEMENTS = 1 << 32  # of the largest buffer: three sets, their guards and a float64 copy fit into 80 GB


def stage_of(settings: Mapping[str, ParameterValue]) -> Stage:
    """The stage that is asked for."""
    return Stage(str(settings.get("stage", DEFAULT_STAGE)))


def seeds_of(stage: Stage) -> str:
    """The folder below ``seeds/`` with the programs for a stage; the default one has the task's own name."""
    return "moe_kernel" if stage is DEFAULT_STAGE else f"moe_kernel_{stage}"


def shape_for(base: LayerShape, settings: Mapping[str, ParameterValue]) -> LayerShape:
    """The suite's shape with what the user fixed.

    Raises:
        ContractError: The sizes do not fit each other.
    """
    sizes = {name: int(settings[name]) for name in _FIELDS if int(settings.get(name, 0))}
    if "experts" in sizes and "top_k" not in sizes:
        sizes["top_k"] = min(base.top_k, sizes["experts"])
    if "top_k" in sizes and "experts" not in sizes:
        sizes["experts"] = max(base.experts, sizes["top_k"])
    shape = replace(base, **sizes, dtype=str(settings.get("dtype", base.dtype)))
    if shape.top_k > shape.experts:
        raise ContractError(f"top_k: expected at most the {shape.experts} experts, found {shape.top_k}")
    for name, value in (("width", shape.width), ("expert_width", shape.expert_width)):
        if value % 16:
            raise ContractError(f"{name}: expected a multiple of 16, found {value}")
    largest = max(
        shape.rows * max(shape.width, shape.expert_width), 2 * shape.experts * shape.width * shape.expert_width
    )
    if largest > _MOST_ELEMENTS:
        raise ContractError(f"expected buffers of at most {_MOST_ELEMENTS} elements, found {largest}")
    return shape
