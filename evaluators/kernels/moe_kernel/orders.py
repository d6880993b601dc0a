"""What the worker asks of the process that holds the GPU, and what it is told. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from evaluators.kernels.moe_kernel.stages import Load
from evaluators.kernels.shapes import LayerShape, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One thing to try."""

    stage: Stage
    shape: LayerShape
    load: Load
    seed: int
    timed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of it."""

    fault: str = ""  # the program is wrong: why
    tampering: str = ""  # its time cannot be true: why
    trouble: str = ""  # it could not be tried, and not by its own fault
    last: bool = False  # the process ends after this
    error: float = 0.0  # relative, the largest of all sets
    program_us: float = 0.0
    naive_us: float = 0.0
    floor_us: float = 0.0
