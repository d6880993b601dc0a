"""How fast a stage could be at most: its least work over the rates that a device sustains. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from evaluators.kernels.shapes import LayerShape, Stage, Work, stage_work


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """Rates of a device, from its datasheet or measured (`evaluators.kernels.ceilings`)."""

    matrix_tflops: float  # of a large dense matrix product in the layer's dtype
    copy_gb_s: float  # of a large copy, bytes read and bytes written both counted
    launch_us: float = 0.0  # of a kernel that does nothing


# Dense bf16 and HBM3e of the SXM part, from NVIDIA's datasheet: nobody reaches them; measured ceilings are the claims'.
H200_DATASHEET = Ceilings(matrix_tflops=989.0, copy_gb_s=4800.0)

HEADLINE_WIDTHS = (1024, 1408)  # expert widths of the two shapes that results are stated for


def headline_shape(expert_width: int) -> LayerShape:
    """T = 16384, D = 2048, E = 64, K = 8 in bf16: a fine-grained layer in training or prefill."""
    return LayerShape(tokens=16384, width=2048, experts=64, top_k=8, expert_width=expert_width)


def floor_us(work: Work, ceilings: Ceilings) -> float:
    """Microseconds that one kernel cannot go below: arithmetic, memory traffic or its launch, whichever is longest."""
    return max(_matrix_us(work, ceilings), _memory_us(work, ceilings), ceilings.launch_us)


def stage_floors_us(shape: LayerShape, ceilings: Ceilings, active_experts: int | None = None) -> dict[Stage, float]:
    """The floor of each stage of the forward pass as a kernel of its own."""
    return {stage: floor_us(stage_work(stage, shape, active_experts), ceilings) for stage in Stage}


def forward_floor_us(shape: LayerShape, ceilings: Ceilings) -> float:
    """The floor of the whole layer, forward: its stages one after the other, the rows gathered by the first product."""
    floors = stage_floors_us(shape, ceilings)
    return fsum(us for stage, us in floors.items() if stage is not Stage.PERMUTE)


def training_work(shape: LayerShape) -> Work:
    """The least work of the experts forward and backward together.

    Backward each grouped product has two of the same size: the gradient of its rows and that of its weights. Traffic
    that only some implementations need (saved or recomputed activations) is left out, so this is below what any needs.
    """
    forward = stage_work(Stage.GATE_UP, shape) + stage_work(Stage.DOWN, shape)
    return Work(flops=3.0 * forward.flops, bytes=3.0 * forward.bytes)


def training_floor_us(shape: LayerShape, ceilings: Ceilings) -> float:
    """The floor of forward and backward: the experts' products alone, as if all else hid behind them."""
    return floor_us(training_work(shape), ceilings)


def experts_floor_us(shape: LayerShape, ceilings: Ceilings) -> float:
    """The floor of the two grouped products, forward."""
    floors = stage_floors_us(shape, ceilings)
    return floors[Stage.GATE_UP] + floors[Stage.DOWN]


def _matrix_us(work: Work, ceilings: Ceilings) -> float:
    return work.flops / (1e6 * ceilings.matrix_tflops)


def _memory_us(work: Work, ceilings: Ceilings) -> float:
    return work.bytes / (1e3 * ceilings.copy_gb_s)
