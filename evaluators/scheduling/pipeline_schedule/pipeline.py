"""A pipeline: what its passes take, what they hold in memory, and how they are numbered.

Shapes: K = 3 kinds of passes, S stages, D devices, M micro-batches, N = 3 S M passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

FORWARD, INPUT, WEIGHT = 0, 1, 2  # kinds of passes: B is the gradient of a stage's input, W that of its weights
KINDS = ("forward", "input gradient", "weight gradient")


@dataclass(frozen=True, slots=False, kw_only=True, eq=False)
class Pipeline:
    """Stages in the order in which micro-batches go through them, each on a device; a device may have several.

    All micro-batches are alike. Between stages on one device the link takes no time.
    """

    micro_batches: int
    device_S: Ints  # 0 to D - 1, each with one stage or more
    forward_us_S: Ints
    input_us_S: Ints
    weight_us_S: Ints  # 0 where the backward pass is one: then `input_us_S` is all of it
    activation_mb_S: Ints  # held from the start of a micro-batch's forward pass to the end of its input gradient
    kept_mb_S: Ints  # the part of it that is held on to the end of its weight gradient
    link_us_S: Ints  # from stage s to s + 1, and back; the last is 0
    capacity_mb_D: Ints  # what all activations on a device may take together

    @property
    def stages(self) -> int:
        """S."""
        return len(self.device_S)

    @property
    def devices(self) -> int:
        """D."""
        return len(self.capacity_mb_D)

    @property
    def passes(self) -> int:
        """N."""
        return 3 * self.stages * self.micro_batches

    @cached_property
    def times_us_KS(self) -> Ints:
        """Time of a pass, by kind and stage."""
        return np.stack([self.forward_us_S, self.input_us_S, self.weight_us_S])

    @cached_property
    def work_us_D(self) -> Ints:
        """Time that each device works in a step."""
        per_stage = self.times_us_KS.sum(axis=0) * self.micro_batches
        return np.bincount(self.device_S, weights=per_stage, minlength=self.devices).astype(np.int64)

    @cached_property
    def whole_mb_D(self) -> Ints:
        """What one micro-batch holds on each device once it is through all forward passes."""
        held = np.bincount(self.device_S, weights=self.activation_mb_S, minlength=self.devices)
        return held.astype(np.int64)

    @cached_property
    def first_stage_S(self) -> Ints:
        """The first stage on the device of each stage."""
        return np.array([int((self.device_S == device).argmax()) for device in self.device_S])

    @property
    def in_flight(self) -> int:
        """Micro-batches that every device can hold whole at a time."""
        return int((self.capacity_mb_D // np.maximum(self.whole_mb_D, 1)).min())

    def number(self, kind: int, stage: int, micro_batch: int) -> int:
        """The number of a pass, 0 to N - 1."""
        return (kind * self.stages + stage) * self.micro_batches + micro_batch

    def meaning(self, number: int) -> tuple[int, int, int]:
        """Kind, stage and micro-batch of a pass."""
        rest, micro_batch = divmod(int(number), self.micro_batches)
        kind, stage = divmod(rest, self.stages)
        return kind, stage, micro_batch

    def words(self, number: int) -> str:
        """A pass as errors name it."""
        kind, stage, micro_batch = self.meaning(number)
        return f"the {KINDS[kind]} of micro-batch {micro_batch} on stage {stage}"

    def devices_of(self, numbers_N: Ints) -> Ints:
        """The device of each pass."""
        return self.device_S[numbers_N // self.micro_batches % self.stages]
