"""The kinds of pipelines that are generated, and which of them each split has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.contract import Split
from evaluators.scheduling.pipeline_schedule.placements import Placement
from evaluators.scheduling.pipeline_schedule.stages import Model

LOOP, WAVE = Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A kind of pipeline; where there are several values, scenarios take them in turns."""

    model: Model
    memory: tuple[float, ...]  # see `Shape`
    chunks: tuple[int, ...] = (1,)
    placement: Placement = LOOP
    batches: tuple[float, ...] = (2.0, 3.0, 1.5)  # micro-batches over devices
    split: Split = Split.SEARCH  # where it belongs, if all are mixed


FAR = (0.3, 0.9)
REGIMES: Mapping[str, Regime] = {
    "even": Regime(model=Model(), memory=(1.1, 2.0, 1.5)),
    "head": Regime(model=Model(head=(0.3, 1.2), embedding=(0.3, 1.0)), memory=(0.9, 0.65, 1.3)),
    "tight": Regime(model=Model(), memory=(0.5, 0.35, 0.7)),
    "looped": Regime(model=Model(), memory=(1.2, 1.6, 0.9), chunks=(2, 3)),
    "vee": Regime(model=Model(), memory=(0.55, 0.4, 1.0), chunks=(2,), placement=WAVE),
    "fused": Regime(model=Model(fused=True, jitter=0.1), memory=(1.1, 0.8, 1.5), chunks=(2, 3)),
    "far": Regime(model=Model(link=FAR), memory=(1.5, 2.5, 1.1)),
    "recompute": Regime(model=Model(recomputed=0.5), memory=(0.7, 1.2, 0.5), split=Split.HOLDOUT),
    "encoder": Regime(model=Model(encoder=0.3), memory=(1.0, 1.5), split=Split.HOLDOUT),
    "speeds": Regime(model=Model(speeds=0.15, links=0.2), memory=(1.2, 0.8, 1.6), split=Split.HOLDOUT),
    "wave": Regime(
        model=Model(), memory=(0.6, 0.4, 0.9), chunks=(4,), placement=WAVE, batches=(2.0, 1.5), split=Split.HOLDOUT
    ),
    "few": Regime(model=Model(), memory=(0.8, 1.2), batches=(1.0, 0.6, 1.3), split=Split.HOLDOUT),
    "far_looped": Regime(model=Model(link=(0.2, 0.6), links=0.25), memory=(1.3, 1.8), chunks=(2,), split=Split.HOLDOUT),
    "vee_head": Regime(
        model=Model(head=(1.0, 2.5), attention=(0.4, 0.6)),
        memory=(0.6, 0.45),
        chunks=(2,),
        placement=WAVE,
        split=Split.HOLDOUT,
    ),
}
