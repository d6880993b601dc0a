"""Experts with random weights on a device, whose products are timed for any number of rows each.

Letters: D width, E experts, F expert width, R rows of all experts together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evaluators.kernels import grouped, reference, schedule
from evaluators.kernels.launch import device_name, dtype_named
from evaluators.kernels.profiles import ExpertSize
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.stopwatches import stopwatch
from evaluators.kernels.tiles import tiles_for
from evaluators.kernels.timing import Effort, Launch, Timer

_CALIBRATION_WIDTH = {"cuda": 4096, "cpu": 128}


@dataclass(frozen=True, slots=True)
class Experts:
    """E experts in the memory of a device, and rows for them."""

    size: ExpertSize
    w_gate_up: Tensor  # (E, D, 2 F)
    w_down: Tensor  # (E, F, D)
    rows: Tensor  # (most rows, D)
    row_gates: Tensor  # (most rows,) float32

    @classmethod
    def random(cls, size: ExpertSize, num_experts: int, most_rows: int, device: torch.device, seed: int) -> Experts:
        """Weights and rows drawn anew: zeros would be faster than data is.

        Args:
            size: Of one expert.
            num_experts: E.
            most_rows: That one launch will have.
            device: Where.
            seed: Of the draw.
        """
        draw = torch.Generator(device).manual_seed(seed)
        dtype = dtype_named(size.dtype)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=draw, device=device, dtype=torch.float32).to(dtype)

        width, inner = size.width, size.expert_width
        return cls(
            size=size,
            w_gate_up=torch.stack([normal(width, 2 * inner) * width**-0.5 for _ in range(num_experts)]),
            w_down=torch.stack([normal(inner, width) * inner**-0.5 for _ in range(num_experts)]),
            rows=normal(most_rows, width),
            row_gates=torch.rand(most_rows, generator=draw, device=device),
        )

    def launch(self, counts: Sequence[int]) -> Launch:
        """Both products of the layer, as Triton kernels, with ``counts[e]`` rows for expert e (missing ones have none).

        Raises:
            ValueError: There are fewer experts or rows than that, or no row at all.
        """
        rows, gates, experts = self._rows_for(counts)
        idx = torch.repeat_interleave(torch.arange(len(counts), dtype=torch.int32), torch.tensor(counts))
        plan = schedule.schedule(idx.to(rows.device)[:, None], self.w_down.shape[0])
        name = device_name(rows.device)
        shape = LayerShape(
            tokens=rows.shape[0],
            width=self.size.width,
            experts=experts,
            top_k=1,
            expert_width=self.size.expert_width,
            dtype=self.size.dtype,
        )
        up_tiles, down_tiles = (tiles_for(name, stage, shape) for stage in (Stage.GATE_UP, Stage.DOWN))

        def products() -> Tensor:
            hidden = grouped.gate_up(rows, None, 1, self.w_gate_up, plan, up_tiles)
            return grouped.down(hidden, self.w_down, plan, gates, down_tiles)

        return products

    def launch_in_torch(self, counts: Sequence[int]) -> Launch:
        """The same as plain torch, expert by expert, on any device.

        Raises:
            ValueError: As `launch`.
        """
        rows, gates, _ = self._rows_for(counts)
        ends = torch.tensor([*counts, *[0] * (self.w_down.shape[0] - len(counts))]).cumsum(0)
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), ends])

        def products() -> Tensor:
            return reference.down(reference.gate_up(rows, self.w_gate_up, offsets), self.w_down, offsets, gates)

        return products

    def _rows_for(self, counts: Sequence[int]) -> tuple[Tensor, Tensor, int]:
        total, active = sum(counts), sum(count > 0 for count in counts)
        if not 0 < total <= len(self.rows) or len(counts) > len(self.w_down):
            raise ValueError(
                f"expected 1 to {len(self.rows)} rows for at most {len(self.w_down)} experts, "
                f"found {total} rows for {len(counts)}"
            )
        return self.rows[:total], self.row_gates[:total], active


def timer_on(device: torch.device, effort: Effort) -> Timer:
    """A timer whose fixed product is a square one in the device's usual dtype."""
    width = _CALIBRATION_WIDTH[device.type]
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    draw = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(width, width, generator=draw, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    return Timer(watch=stopwatch(device), calibration=lambda: torch.mm(left, right, out=out), effort=effort)
