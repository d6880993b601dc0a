"""How small a difference `moe_loss` resolves on the hold-out: paired differences over trainings of several lengths.

Trains in-process, at one strength, without the rule on gradients that are too large; needs torch. Twelve trainings of
200 steps take half a CPU minute per program.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.stamp import write_result
from evaluators.balancing.moe_loss.balancer import Balancer
from evaluators.balancing.moe_loss.hosting import OwnLoss
from evaluators.balancing.moe_loss.scenario import Scenario
from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.balancing.moe_loss.trainer import train
from evaluators.balancing.moe_loss.training import measure
from evaluators.contract import Split, Tier
from evaluators.seeding import SeedSource, secret_from_seed

BASELINES = Path(__file__).parents[1] / "seeds" / "moe_loss" / "baselines"
REFERENCE = "global_batch_lbl"
VALIDATION = (96, 256, 768)  # sequences


def iso_nats(scenario: Scenario, program: str, steps: int) -> list[float]:
    """Of one training, by the first so many validation sequences."""
    recipe = replace(scenario.recipe, course=replace(scenario.recipe.course, steps=steps, validation=max(VALIDATION)))
    own = OwnLoss((BASELINES / f"{program}.py").read_text(encoding="utf-8"))
    balancer = Balancer(own, recipe.shape, recipe.course, seed=1)
    found = train(recipe.shape, recipe.course, recipe.data(), recipe.seed, balancer)
    step_time = measure(found, recipe, scenario.times).metrics["step_time"]
    paid = scenario.times.nats_per_time * math.log(step_time)
    return [float(found.nats_N[:num].mean()) + paid for num in VALIDATION]


def resolution(programs: Sequence[str], steps: int, trainings: int, seed: int) -> dict[str, dict[str, float]]:
    """Mean, standard deviation and t of each program's score, by validation sequences."""
    secret = SeedSource(secret_from_seed(seed), Split.HOLDOUT)
    played = scenarios(Tier.FULL, Split.HOLDOUT, {}, secret)[:trainings]
    zero = np.array([iso_nats(scenario, REFERENCE, steps) for scenario in played])
    rows = {}
    for program in programs:
        scores = zero - np.array([iso_nats(scenario, program, steps) for scenario in played])
        for column, num in zip(scores.T, VALIDATION, strict=True):
            sd = float(column.std(ddof=1))
            t = float(column.mean()) / sd * math.sqrt(len(column))
            rows[f"{program} {num}"] = {"score": round(float(column.mean()), 4), "sd": round(sd, 4), "t": round(t, 1)}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", action="append", required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    rows = resolution(a.program, a.steps, a.trainings, a.seed)
    write_result(f"moe_resolution_{a.steps}", {"trainings": a.trainings, "seed": a.seed, "programs": rows})


if __name__ == "__main__":
    main()
