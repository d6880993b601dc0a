"""Everything that a GPU is needed for, in the order in which it is worth having. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_book import ROOT
from benchmarks.gpu_scale import CORE, REST, Scale
from benchmarks.gpu_worker import Item

STEPS = ("router", "permute", "gate_up", "down", "combine")
BACKWARD_STEPS = ("grad_hidden", "grad_rows", "grad_gate_up", "grad_down")
PLACEMENT_PROGRAMS = ("initial.py", "baselines/eplb_global.py", "baselines/lplb.py", "baselines/swift_balancer.py")
OTHER_STAGES = ("moe_kernel_gate_up", "moe_kernel_down", "moe_kernel_permute", "moe_kernel_router")
NAIVE = "naive"
KERNELS, TUNING = "benchmarks.gpu_kernels", "benchmarks.gpu_tuning"
LAYERS, JOBS = "benchmarks.gpu_layers", "benchmarks.gpu_jobs"
CORRECT, AGAINST = f"{KERNELS}:correctness", f"{LAYERS}:layer_against"


def all_items(scale: Scale) -> list[Item]:
    """The items, what others need first; each one's seconds are about one and a half times what is expected."""
    shapes = list(scale.shapes)
    last = shapes[-1]
    return [
        Item(name="state", seconds=20, target=f"{KERNELS}:state"),
        _item("ceilings", 15, f"{KERNELS}:ceilings"),
        _item(f"correct {scale.dtypes[0]} core", 80, CORRECT, scale.dtypes[0], CORE),
        *_tuning(shapes),
        *(item for layer in zip(*(_layer(shape) for shape in shapes), strict=True) for item in layer),
        _item(f"profile {last}", 40, f"{KERNELS}:profile", last),
        _item("replay on profile", 120, f"{JOBS}:replay", last, last),
        *(_item(f"critical path {shape}", 10, f"{LAYERS}:critical_path", shape) for shape in shapes),
        *(_item(f"correct {dtype} core", 80, CORRECT, dtype, CORE) for dtype in scale.dtypes[1:]),
        _item("losses torch", 150, f"{JOBS}:loss_reports", "torch"),
        _item(f"correct {scale.dtypes[0]} rest", 120, CORRECT, scale.dtypes[0], REST),
        *_kernel_programs(("moe_kernel",), "quick"),
        *(_item(f"correct {dtype} rest", 120, CORRECT, dtype, REST) for dtype in scale.dtypes[1:]),
        *(_item(f"profile {shape}", 40, f"{KERNELS}:profile", shape) for shape in shapes[:-1]),
        _item("losses triton", 100, f"{JOBS}:loss_reports", "triton"),
        _item("replay on roofline", 120, f"{JOBS}:replay", last, ""),
        *_kernel_programs(OTHER_STAGES, "quick"),
        *_placements(last),
    ]


def _item(name: str, seconds: float, target: str, *arguments: str, needs_gpu: bool = True) -> Item:
    return Item(name=name, seconds=seconds, target=target, arguments=arguments, needs_gpu=needs_gpu)


def _tuning(shapes: list[str]) -> list[Item]:
    """By step, the same for each shape: what is cut off by the end of a slice is missing for all of them."""
    tuned = [
        _item(f"tune {shape} {step}", 8, f"{TUNING}:tune", shape, step)
        for step in (*STEPS, *BACKWARD_STEPS)
        for shape in shapes
    ]
    return [
        _item("compile ahead", 75, f"{TUNING}:compile_ahead"),
        *tuned,
        Item(name="keep tuned", seconds=10, target=f"{TUNING}:keep_tuned", every_slice=True),
    ]


def _layer(shape: str) -> list[Item]:
    """What is claimed of the layer first."""
    return [
        _item(f"stages {shape} even", 10, f"{LAYERS}:stage_times", shape, "even"),
        _item(f"forward {shape} grouped_mm", 10, AGAINST, shape, "forward", "grouped_mm"),
        _item(f"forward_backward {shape} grouped_mm", 15, AGAINST, shape, "forward_backward", "grouped_mm"),
        _item(f"forward {shape} looped", 10, AGAINST, shape, "forward", "looped"),
        _item(f"forward_backward {shape} looped", 15, AGAINST, shape, "forward_backward", "looped"),
        _item(f"backward {shape}", 10, f"{LAYERS}:backward_times", shape),
        _item(f"stages {shape} skewed", 10, f"{LAYERS}:stage_times", shape, "skewed"),
    ]


def _placements(shape: str) -> list[Item]:
    """The same two simulations of a few programs, which need the profile and no GPU."""
    folder, target = Path("seeds") / "expert_replication", f"{JOBS}:placement"
    return [
        _item(f"placement {Path(name).stem} {side}", 60, target, str(folder / name), shape, profile, needs_gpu=False)
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
        paths = [path for path in (ROOT / "seeds" / folder).rglob("*.py") if path.name != "__init__.py"]
        paths.sort(key=lambda path: (path.stem == NAIVE, path))  # last, since its score is 0 by what scores are
        found += [
            _item(
                f"program {stage} {path.stem}", 60, f"{JOBS}:kernel_program", str(path.relative_to(ROOT)), stage, tier
            )
            for path in paths
        ]
    return found
