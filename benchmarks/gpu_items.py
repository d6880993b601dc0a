"""Everything that a GPU is needed for, in the order in which it is worth having. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_book import ROOT
from benchmarks.gpu_scale import Scale
from benchmarks.gpu_worker import Item

STEPS = ("router", "permute", "gate_up", "down", "combine")
BACKWARD_STEPS = ("grad_hidden", "grad_rows", "grad_gate_up", "grad_down")
LOSSES = ("global_batch_lbl", "micro_batch_lbl", "none", "loss_free_bias")  # the reference first
PLACEMENT_PROGRAMS = ("initial.py", "baselines/eplb_global.py", "baselines/lplb.py", "baselines/swift_balancer.py")
OTHER_STAGES = ("moe_kernel_gate_up", "moe_kernel_down", "moe_kernel_permute", "moe_kernel_router")
KERNELS, TUNING = "benchmarks.gpu_kernels", "benchmarks.gpu_tuning"
LAYERS, JOBS = "benchmarks.gpu_layers", "benchmarks.gpu_jobs"


def all_items(scale: Scale) -> list[Item]:
    """The items, what others need first."""
    shapes = list(scale.shapes)
    return [
        Item(name="state", seconds=10, target=f"{KERNELS}:state"),
        *_correctness(scale),
        Item(name="ceilings", seconds=15, target=f"{KERNELS}:ceilings"),
        *_tuning(shapes),
        *_layers(shapes),
        *(_item(f"profile {shape}", 60, f"{KERNELS}:profile", shape) for shape in shapes),
        *(_item(f"critical path {shape}", 15, f"{LAYERS}:critical_path", shape) for shape in shapes),
        *_replays(shapes[-1]),
        *_kernel_programs(("moe_kernel",), "full"),
        *(_item(f"loss {loss} torch", 160, f"{JOBS}:loss_report", loss, "torch") for loss in LOSSES),
        _item(f"loss {LOSSES[0]} triton", 160, f"{JOBS}:loss_report", LOSSES[0], "triton"),
        *_kernel_programs(OTHER_STAGES, "quick"),
        *_placements(shapes[-1]),
    ]


def _item(name: str, seconds: float, target: str, *arguments: str) -> Item:
    return Item(name=name, seconds=seconds, target=target, arguments=arguments)


def _correctness(scale: Scale) -> list[Item]:
    dtypes = ("float32",) if scale.dry else ("bfloat16", "float32", "float16")
    return [_item(f"correct {dtype}", 100, f"{KERNELS}:correctness", dtype) for dtype in dtypes]


def _tuning(shapes: list[str]) -> list[Item]:
    tuned = [
        _item(f"tune {shape} {step}", 20, f"{TUNING}:tune", shape, step)
        for step in (*STEPS, *BACKWARD_STEPS)
        for shape in shapes
    ]
    return [
        Item(name="compile ahead", seconds=120, target=f"{TUNING}:compile_ahead"),
        *tuned,
        Item(name="keep tuned", seconds=10, target=f"{TUNING}:keep_tuned", every_slice=True),
    ]


def _layers(shapes: list[str]) -> list[Item]:
    items = []
    for shape in shapes:
        items += [
            _item(f"stages {shape} {load}", 20, f"{LAYERS}:stage_times", shape, load) for load in ("even", "skewed")
        ]
        items.append(_item(f"backward {shape}", 20, f"{LAYERS}:backward_times", shape))
        items += [
            _item(f"{name} {shape} {rival}", 20, f"{LAYERS}:layer_against", shape, name, rival)
            for name in ("forward", "forward_backward")
            for rival in ("grouped_mm", "looped")
        ]
    return items


def _replays(shape: str) -> list[Item]:
    """With the profile of a shape and with the roofline of the same expert."""
    return [_item(f"replay on {side}", 120, f"{JOBS}:replay", shape, profile) for profile, side in _sides(shape)]


def _placements(shape: str) -> list[Item]:
    """The same two simulations of a few programs; last, since they need the profile and no GPU."""
    folder = Path("seeds") / "expert_replication"
    return [
        _item(f"placement {Path(name).stem} {side}", 20, f"{JOBS}:placement", str(folder / name), shape, profile)
        for name in PLACEMENT_PROGRAMS
        for profile, side in _sides(shape)
    ]


def _sides(shape: str) -> tuple[tuple[str, str], ...]:
    return (shape, "profile"), ("", "roofline")


def _kernel_programs(folders: Sequence[str], tier: str) -> list[Item]:
    """Every program of `moe_kernel` in these folders; a folder without a stage in its name is the default stage's."""
    found = []
    for folder in folders:
        stage = folder.removeprefix("moe_kernel").removeprefix("_") or "combine"
        paths = [path for path in sorted((ROOT / "seeds" / folder).rglob("*.py")) if path.name != "__init__.py"]
        found += [
            _item(
                f"program {stage} {path.stem}", 60, f"{JOBS}:kernel_program", str(path.relative_to(ROOT)), stage, tier
            )
            for path in paths
        ]
    return found
