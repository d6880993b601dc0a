"""Measured times over their floors, as one table and one file; and which of the claims they bear out. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.gpu_scale import Scale
from evaluators.kernels.floors import (
    Ceilings,
    experts_floor_us,
    forward_floor_us,
    stage_floors_us,
    training_floor_us,
)
from evaluators.kernels.shapes import LayerShape, Stage, stage_work
from evaluators.kernels.tiles import Backward

Results = Mapping[str, Mapping[str, Any]]

LEAST_SHARE = 0.7  # of the matrix rate, for the grouped products; of the copy bandwidth, for permute and combine
MOST_OVER_FLOOR = 1.8  # forward and backward
LEAST_CORRELATION = 0.95
# A product of the backward pass has the arithmetic of the forward product whose matrix it goes back through.
_FORWARD_OF = {
    Backward.GRAD_HIDDEN: Stage.DOWN,
    Backward.GRAD_DOWN: Stage.DOWN,
    Backward.GRAD_ROWS: Stage.GATE_UP,
    Backward.GRAD_GATE_UP: Stage.GATE_UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured thing beside its floor."""

    item: str
    what: str
    measured_us: float
    floor_us: float
    spread: float
    steady: bool

    @property
    def over_floor(self) -> float:
        """1 is as fast as the ceilings allow."""
        return self.measured_us / self.floor_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What was promised, and what came out."""

    claim: str
    found: float
    wanted: float
    at_least: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figure is on the right side."""
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted


def write_summary(scale: Scale, results: Results) -> str:
    """The summary as text; and as ``gpu_summary.json`` among the results."""
    table, promised = rows(results), [] if scale.dry else claims(results)
    content = {
        "measured": not scale.dry,
        "rows": [{**asdict(row), "over_floor": row.over_floor} for row in table],
        "claims": [{**asdict(claim), "holds": claim.holds} for claim in promised],
    }
    (scale.out / "gpu_summary.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    lines = ["DRY RUN ON A CPU: NO FIGURE BELOW IS A MEASUREMENT"] if scale.dry else []
    lines += [f"{'item':28s} {'what':14s} {'us':>10s} {'floor us':>10s} {'over':>6s} {'spread':>7s}"]
    lines += [
        f"{row.item:28s} {row.what:14s} {row.measured_us:10.1f} {row.floor_us:10.1f} {row.over_floor:6.2f} "
        f"{row.spread:7.3f}{'' if row.steady else '  clock drifted'}"
        for row in table
    ]
    lines += remarks(results)
    lines += [
        f"{'holds' if claim.holds else 'FAILS'}: {claim.claim}: {claim.found:.3f} "
        f"(wanted {'at least' if claim.at_least else 'at most'} {claim.wanted:g})"
        for claim in promised
    ]
    return "\n".join(lines)


def rows(results: Results) -> list[Row]:
    """Every stage and whole layer that was timed, against the ceilings of the same run; none without ceilings."""
    ceilings = _ceilings(results)
    if ceilings is None:
        return []
    found: list[Row] = []
    for item, result in results.items():
        kind = item.split(" ")[0]
        if kind == "stages":
            shape = LayerShape(**result["shape"])
            floors = stage_floors_us(shape, ceilings)
            found += [_row(item, stage.value, result["timings"][stage.value], floors[stage]) for stage in Stage]
            found.append(_experts_row(item, result["timings"], experts_floor_us(shape, ceilings)))
        elif kind == "backward":
            floors = stage_floors_us(LayerShape(**result["shape"]), ceilings)
            found += [
                _row(item, step.value, result["timings"][step.value], floors[stage])
                for step, stage in _FORWARD_OF.items()
            ]
        elif kind in ("forward", "forward_backward"):
            shape = LayerShape(**result["shape"])
            floor = (forward_floor_us if kind == "forward" else training_floor_us)(shape, ceilings)
            found += [_row(item, who, timing, floor) for who, timing in result["timings"].items()]
    return found


def remarks(results: Results) -> list[str]:
    """How torch compares, and which tiles were taken: with the copy engine or without it."""
    found = []
    for item, result in results.items():
        kind, _, rest = item.partition(" ")
        if kind in ("forward", "forward_backward"):
            found.append(f"{item}: takes {result['ratio']:.2f} times as long as ours")
        for part in result["entries"] if kind == "tune" else ():
            best, gain = part["entry"]["tiles"], part["default_us"] / part["best_us"]
            sizes = f"{best['block_m']}x{best['block_n']}x{best['block_k']}, {best['num_warps']} warps"
            refused = f"; refused: {'; '.join(part['refused'])}" if part["refused"] else ""
            form = ", copy engine" if best["tma"] else ""
            tokens = part["entry"]["shape"]["tokens"]
            found.append(
                f"tiles of {rest}, {tokens} tokens: {sizes}{form}: {gain:.2f} times the default's speed{refused}"
            )
    return found


def claims(results: Results) -> list[Claim]:
    """The promises that the results speak to."""
    return [
        *_correctness_claims(results),
        *_stage_claims(results),
        *_layer_claims(results),
        *_replay_claims(results),
    ]


def _correctness_claims(results: Results) -> list[Claim]:
    return [
        Claim(claim=f"{item}: wrong of {result['checked']}", found=len(result["wrong"]), wanted=0, at_least=False)
        for item, result in results.items()
        if item.startswith("correct ")
    ]


def _stage_claims(results: Results) -> list[Claim]:
    ceilings, found = _ceilings(results), []
    if ceilings is None:
        return []
    for item, result in results.items():
        if not item.startswith("stages ") or not item.endswith(" even"):
            continue
        shape = LayerShape(**result["shape"])
        us = {stage: result["timings"][stage.value]["median_us"] for stage in Stage}
        flops = sum(stage_work(stage, shape).flops for stage in (Stage.GATE_UP, Stage.DOWN))
        tflops = 1e-6 * flops / (us[Stage.GATE_UP] + us[Stage.DOWN])
        name = item.split(" ")[1]
        share = tflops / ceilings.matrix_tflops
        found.append(Claim(claim=f"{name}: grouped products over the matrix rate", found=share, wanted=LEAST_SHARE))
        for stage in (Stage.PERMUTE, Stage.COMBINE):
            share = 1e-3 * stage_work(stage, shape).bytes / us[stage] / ceilings.copy_gb_s
            found.append(Claim(claim=f"{name}: {stage} over the copy bandwidth", found=share, wanted=LEAST_SHARE))
    return found


def _layer_claims(results: Results) -> list[Claim]:
    return [
        Claim(claim=f"{row.item}: ours over the floor", found=row.over_floor, wanted=MOST_OVER_FLOOR, at_least=False)
        for row in rows(results)
        if row.item.startswith("forward_backward ") and row.what == "ours"
    ]


def _replay_claims(results: Results) -> list[Claim]:
    return [
        Claim(claim=f"{item}: rank correlation", found=result["correlation"], wanted=LEAST_CORRELATION)
        for item, result in results.items()
        if item.startswith("replay ") and result["correlation"] is not None
    ]


def _row(item: str, what: str, timing: Mapping[str, Any], floor_us: float) -> Row:
    return Row(
        item=item,
        what=what,
        measured_us=timing["median_us"],
        floor_us=floor_us,
        spread=(timing["high_us"] - timing["low_us"]) / timing["median_us"],
        steady=timing["steady"],
    )


def _experts_row(item: str, timings: Mapping[str, Any], floor_us: float) -> Row:
    """Both grouped products together."""
    parts = [_row(item, "experts", timings[stage.value], floor_us) for stage in (Stage.GATE_UP, Stage.DOWN)]
    return Row(
        item=item,
        what="experts",
        measured_us=sum(part.measured_us for part in parts),
        floor_us=floor_us,
        spread=max(part.spread for part in parts),
        steady=all(part.steady for part in parts),
    )


def _ceilings(results: Results) -> Ceilings | None:
    return Ceilings(**results["ceilings"]["ceilings"]) if "ceilings" in results else None
