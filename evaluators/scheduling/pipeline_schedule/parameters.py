"""What a user may set."""

from __future__ import annotations

from evaluators.parameter_specs import choice, file, integer, number
from evaluators.scheduling.pipeline_schedule.placements import Placement
from evaluators.scheduling.pipeline_schedule.regimes import REGIMES

MIXED = "mixed"
MOST_PASSES = 30_000
BACKWARDS = ("split", "fused")

# What is not set (0, -1 or mixed) is the suite's to choose: some values in search, others in the hold-out.
PARAMETERS = (
    integer("devices", 0, 0, 64, "devices of the pipeline; 0: by scenario, 4 to 16; with a profile, as its rows allow"),
    integer("chunks", 0, 0, 8, "stages of a device; 0: by scenario; with a profile 1"),
    choice("placement", MIXED, (MIXED, *Placement), "how several stages go over devices: 0 1 0 1, or 0 1 1 0"),
    integer("micro_batches", 0, 0, 512, "micro-batches of a step; 0: by scenario"),
    number(
        "memory",
        0.0,
        0.0,
        100.0,
        "activations that a device can hold, of those of as many micro-batches as there are devices: 1F1B holds 1; "
        "0: by scenario",
    ),
    integer("capacity_mb", 0, 0, 10_000_000, "the same in MB, the same on every device; 0: by `memory`"),
    integer("link_us", -1, -1, 10_000_000, "time between stages on different devices; -1: by scenario, in a profile 0"),
    choice("backward", MIXED, (MIXED, *BACKWARDS), "whether weight gradients are passes of their own"),
    choice("pattern", MIXED, (MIXED, *REGIMES), "what generated stages look like; mixed: by scenario"),
    file(
        "profile",
        "layers of your own: CSV or JSON rows of forward_us, input_us, weight_us, activation_mb, kept_mb; put together "
        "to as many stages as are asked for, the slowest as fast as can be; the report split plays them as they are",
    ),
)
