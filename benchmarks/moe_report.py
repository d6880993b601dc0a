"""Trains the larger model of `moe_loss` with losses of its seeds on a GPU, one job per loss and seed, each about 30 s.

``python -m benchmarks.moe_report --out DIR --seconds N [--only LOSS] [--set kernels=triton]``: a job whose file is in
DIR is not run again, and after the first none is begun that would take longer than what is left of N seconds, going
by the slowest so far. Every job
writes ``DIR/LOSS-SEED.json``. Without a GPU the same code trains a small model, which only shows that it runs.
``--collect DIR`` writes ``results/moe_report.json`` from the files: losses against the reference, paired by seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from benchmarks.stamp import write_result
from evaluators.balancing.moe_loss.corpus import MadeText, Mix
from evaluators.balancing.moe_loss.model import Engine, Experts, Model, dropless
from evaluators.balancing.moe_loss.on_device import OnDevice
from evaluators.balancing.moe_loss.shape import Course, Shape
from evaluators.balancing.moe_loss.time_model import TimeModel
from evaluators.balancing.moe_loss.trainer import fit, weight_stream
from evaluators.balancing.moe_loss.training import Recipe, measure
from evaluators.environment import current_environment
from evaluators.jsonable import to_json

REFERENCE = "global_batch_lbl"
LOSSES = (REFERENCE, "micro_batch_lbl", "none", "loss_free_bias", "shazeer", "longcat_bias", "shinka_paper")
SEEDS = (0, 1, 2)
BASELINES = Path(__file__).parents[1] / "seeds" / "moe_loss" / "baselines"
_DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What is trained, and how."""

    shape: Shape
    course: Course
    device: str
    dtype: str


LARGE = Scale(
    shape=Shape(num_experts=64, top_k=8, num_layers=8, d_model=512, d_expert=256, num_heads=8, context=512),
    course=Course(steps=400, sequences=32, micro_batches=8, validation=512, learning_rate=1e-3),
    device="cuda",
    dtype="bfloat16",
)
SMALL = Scale(
    shape=Shape(d_model=32, d_expert=16, context=32),
    course=Course(steps=10, validation=32),
    device="cpu",
    dtype="float32",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the jobs' files")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--only", action="append", help="a loss; repeatable; default: all")
    parser.add_argument("--set", action="append", default=[], dest="settings", help="kernels=torch|triton, steps=N")
    parser.add_argument("--collect", type=Path, help="write the result file from this folder's jobs")
    arguments = parser.parse_args()
    if arguments.collect is not None:
        write_result("moe_report", collected(arguments.collect))
    elif arguments.out is None:
        parser.error("expected --out DIR or --collect DIR")
    else:
        settings = dict(text.split("=", 1) for text in arguments.settings)
        scale = scaled(LARGE if torch.cuda.is_available() else SMALL, settings)
        jobs = list(product(SEEDS, arguments.only or LOSSES))
        run_jobs(jobs, arguments.out, arguments.seconds, scale, settings.get("kernels", "torch"))


def scaled(scale: Scale, settings: Mapping[str, str]) -> Scale:
    """`scale` with the user's number of steps.

    Raises:
        SystemExit: An unknown setting.
    """
    unknown = set(settings) - {"kernels", "steps"}
    if unknown:
        raise SystemExit(f"expected the settings kernels and steps, found {', '.join(sorted(unknown))}")
    return replace(scale, course=replace(scale.course, steps=int(settings.get("steps", scale.course.steps))))


def run_jobs(jobs: Sequence[tuple[int, str]], out: Path, seconds: float, scale: Scale, kernels: str) -> None:
    """Run what has no file yet, as far as time allows, and say what was left."""
    began_s, slowest_s = time.monotonic(), 0.0
    out.mkdir(parents=True, exist_ok=True)
    for seed, loss in jobs:
        path = out / f"{loss}-{seed}.json"
        if path.exists():
            continue
        left_s = seconds - (time.monotonic() - began_s)
        if slowest_s and left_s < slowest_s:
            print(f"{path.stem}: left for another run, {left_s:.0f} s are too few")
            continue
        found = trained(loss, seed, scale, kernels)
        slowest_s = max(slowest_s, found["seconds"])
        part = path.with_suffix(".part")
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        part.rename(path)
        print(
            f"{path.stem}: {found['metrics']['iso_nats']:.4f} nats at equal time, {found['seconds']:.0f} s", flush=True
        )


def trained(loss: str, seed: int, scale: Scale, kernels: str) -> dict[str, Any]:
    """One training and all its metrics, as JSON."""
    device = torch.device(scale.device)
    recipe = Recipe(shape=scale.shape, course=scale.course, source=MadeText(), mix=Mix.UNIFORM, seed=seed)
    data = recipe.data()
    began_s = time.monotonic()
    engine = Engine(device=device, dtype=_DTYPES[scale.dtype], experts=experts_of(kernels))
    model = Model(scale.shape, weight_stream(seed), engine)
    text = (BASELINES / f"{loss}.py").read_text(encoding="utf-8")
    source = OnDevice(text, scale.shape, scale.course, device, seed)
    found = fit(model, scale.course, data, source)
    seconds = time.monotonic() - began_s
    measured = measure(found, recipe, TimeModel())
    num_bytes = scale.course.steps * scale.course.sequences * scale.shape.context
    return {
        "loss": loss,
        "seed": seed,
        "kernels": kernels,
        "scale": {"shape": asdict(scale.shape), "course": asdict(scale.course), "dtype": scale.dtype},
        "seconds": round(seconds, 2),
        "bytes_per_second": round(num_bytes / seconds),
        "environment": to_json(current_environment(("torch", "triton"), "none: losses of the project itself")),
        "metrics": {name: float(f"{value:.6g}") for name, value in measured.metrics.items()},
        "train_nats": [round(float(nats), 4) for nats in found.train_nats_P[:: max(1, scale.course.steps // 50)]],
    }


def experts_of(kernels: str) -> Experts:
    """The implementation of the experts.

    Raises:
        SystemExit: There is no such one.
    """
    if kernels == "torch":
        return dropless
    if kernels == "triton":
        from evaluators.kernels.layer import moe_experts

        return lambda rows, chosen, gates, up, down: moe_experts(rows, chosen.to(torch.int32), gates, up, down)
    raise SystemExit(f"expected kernels=torch or kernels=triton, found {kernels!r}")


def collected(folder: Path) -> dict[str, Any]:
    """Each loss over its seeds, and its difference to the reference over the seeds of both.

    Raises:
        SystemExit: No job of the reference is there.
    """
    jobs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    iso = {(job["loss"], job["seed"]): job["metrics"]["iso_nats"] for job in jobs}
    if not any(loss == REFERENCE for loss, _ in iso):
        raise SystemExit(f"expected jobs of {REFERENCE} in {folder}, found {sorted({loss for loss, _ in iso})}")
    rows = {}
    for loss in sorted({job["loss"] for job in jobs}):
        own = [job for job in jobs if job["loss"] == loss]
        gains = [iso[REFERENCE, job["seed"]] - iso[loss, job["seed"]] for job in own if (REFERENCE, job["seed"]) in iso]
        rows[loss] = {
            "seeds": [job["seed"] for job in own],
            "score": round(mean(gains), 5) if gains else None,
            "score_sd": round(stdev(gains), 5) if len(gains) > 1 else None,
            "seconds": round(mean(job["seconds"] for job in own), 1),
            "bytes_per_second": round(mean(job["bytes_per_second"] for job in own)),
            **{name: round(mean(job["metrics"][name] for job in own), 4) for name in own[0]["metrics"]},
        }
    return {
        "scale": jobs[0]["scale"],
        "kernels": jobs[0]["kernels"],
        "environment": jobs[0]["environment"],
        "losses": rows,
    }


if __name__ == "__main__":
    main()
