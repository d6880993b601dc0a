"""Measure this GPU's profile: ``python -m evaluators.kernels.cost_curve --out profiles/mine.json``.

Ceilings, the time of an expert by its tokens, and the layer's other stages by the batch; about a minute. What is
written is read by `evaluators.kernels.profiles` and by ``--set profile=`` of placement and balancing tasks.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
import triton

from evaluators.kernels import profiles, stages
from evaluators.kernels.ceilings import CeilingSizes, MeasuredCeilings, measure_ceilings
from evaluators.kernels.expert_curve import BESIDE, KNOTS, MeasuredCurve, measure_curve
from evaluators.kernels.floors import headline_shape
from evaluators.kernels.profiles import ExpertSize
from evaluators.kernels.shapes import LayerShape, Stage
from evaluators.kernels.stopwatches import DeviceState, device_state, driver_version
from evaluators.kernels.timing import Effort, Timer, Timing
from evaluators.kernels.workbench import Experts, timer_on

NO_GPU = "measuring needs a CUDA GPU, and torch sees none on this machine"
BATCHES = (256, 1024, 4096, 16384)  # tokens at which the stages that are no expert's are timed
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSettings:
    """What is measured, and how large."""

    shape: LayerShape
    knots: Sequence[int] = KNOTS
    beside: int = BESIDE
    batches: Sequence[int] = BATCHES
    ceilings: CeilingSizes = field(default_factory=CeilingSizes)
    effort: Effort = field(default_factory=Effort)

    @property
    def expert(self) -> ExpertSize:
        """One expert of the layer."""
        return ExpertSize(width=self.shape.width, expert_width=self.shape.expert_width, dtype=self.shape.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that goes into a profile."""

    ceilings: MeasuredCeilings
    curve: MeasuredCurve
    batches: dict[int, dict[Stage, Timing]]
    layer: dict[Stage, Timing]
    states: tuple[DeviceState | None, DeviceState | None]  # before and after


def measure(settings: CurveSettings, device: torch.device) -> Measured:
    """Time all of it."""
    timer = timer_on(device, settings.effort)
    before = device_state()
    ceilings = measure_ceilings(timer, device, settings.ceilings)
    experts = Experts.random(
        settings.expert, 2 * settings.beside, 2 * settings.beside * max(settings.knots), device, SEED
    )
    curve = measure_curve(timer, experts.launch, settings.knots, settings.beside)
    del experts
    moving = (Stage.ROUTER, Stage.SCHEDULE, Stage.PERMUTE, Stage.COMBINE)
    batches = {
        tokens: time_stages(timer, replace(settings.shape, tokens=tokens), device, moving)
        for tokens in settings.batches
    }
    layer = time_stages(timer, settings.shape, device, tuple(Stage))
    return Measured(ceilings=ceilings, curve=curve, batches=batches, layer=layer, states=(before, device_state()))


def time_stages(
    timer: Timer, shape: LayerShape, device: torch.device, wanted: Sequence[Stage], counts: Sequence[int] | None = None
) -> dict[Stage, Timing]:
    """Each stage of the layer by itself; `counts` are the rows of each expert, even where it is None."""
    inputs = stages.layer_inputs(shape, device, SEED, counts)
    return {stage: timer.time(stages.launch(stage, inputs)) for stage in wanted}


def as_profile(settings: CurveSettings, measured: Measured, device_label: str, date: str) -> dict[str, object]:
    """The content of a profile's file; more than what is read back, so that it can be believed."""
    shape = settings.shape
    return {
        "tokens": list(measured.curve.tokens),
        "time_us": list(measured.curve.time_us),
        "alone_us": list(measured.curve.alone_us),
        "spread": list(measured.curve.spread),
        "offset_us": measured.curve.offset_us,
        "replaced": list(measured.curve.replaced),
        "steady": measured.curve.steady,
        "expert": asdict(settings.expert),
        "layer": {
            "tokens": shape.tokens,
            "experts": shape.experts,
            "top_k": shape.top_k,
            **{f"{stage}_us": timing.median_us for stage, timing in measured.layer.items()},
        },
        "layer_timings": {stage.value: asdict(timing) for stage, timing in measured.layer.items()},
        "batches": [
            {"tokens": tokens, **{f"{stage}_us": timing.median_us for stage, timing in timings.items()}}
            for tokens, timings in measured.batches.items()
        ],
        "ceilings": asdict(measured.ceilings.ceilings),
        "ceiling_timings": {
            "copy": asdict(measured.ceilings.copy),
            "product": asdict(measured.ceilings.product),
            "launch": asdict(measured.ceilings.launch),
        },
        "environment": {
            "device": device_label,
            "driver": driver_version(),
            "torch": torch.__version__,
            "triton": triton.__version__,
            "date": date,
            "before": None if measured.states[0] is None else asdict(measured.states[0]),
            "after": None if measured.states[1] is None else asdict(measured.states[1]),
        },
    }


def profile_path(device_label: str, folder: Path = Path(profiles.__file__).parent) -> Path:
    """Where the profile of a device is kept: named for it, in small letters with dashes."""
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', device_label.lower()).strip('-')}.json"


def write_profile(settings: CurveSettings, device: torch.device, path: Path | None) -> Path:
    """Measure and write; to the shipped profiles' folder where no path is given."""
    label = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu (no measurement)"
    date = datetime.now(UTC).isoformat(timespec="seconds")
    content = as_profile(settings, measure(settings, device), label, date)
    target = path or profile_path(label)
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return target


def main(words: Sequence[str] | None = None) -> int:
    """Exit status: 0 written, 1 no GPU, 2 usage."""
    headline = headline_shape(1408)
    commands = argparse.ArgumentParser(prog="python -m evaluators.kernels.cost_curve", description=__doc__)
    commands.add_argument("--out", type=Path, help="the file (default: by the device's name, among the shipped ones)")
    commands.add_argument("--tokens", type=int, default=headline.tokens, help="of the layer; default %(default)s")
    commands.add_argument("--width", type=int, default=headline.width, help="of the model; default %(default)s")
    commands.add_argument("--experts", type=int, default=headline.experts, help="default %(default)s")
    commands.add_argument("--top-k", type=int, default=headline.top_k, help="default %(default)s")
    commands.add_argument("--expert-width", type=int, default=headline.expert_width, help="default %(default)s")
    arguments = commands.parse_args(words)
    if not torch.cuda.is_available():
        sys.stderr.write(f"error: {NO_GPU}\n")
        return 1
    shape = LayerShape(
        tokens=arguments.tokens,
        width=arguments.width,
        experts=arguments.experts,
        top_k=arguments.top_k,
        expert_width=arguments.expert_width,
    )
    path = write_profile(CurveSettings(shape=shape), torch.device("cuda"), arguments.out)
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
