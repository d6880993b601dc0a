"""What the sandbox adds to a training of `moe_loss`: CPU seconds with the loss in the child and with it in-process.

Both are taken by turns in one process, the first turn dropped. Needs torch.
"""

from __future__ import annotations

import argparse
import time
from importlib import resources
from statistics import median

from benchmarks.stamp import write_result
from evaluators.adapters.hosting import hosted
from evaluators.balancing.moe_loss.hosting import HOST, OwnLoss
from evaluators.balancing.moe_loss.scenario import Scenario
from evaluators.balancing.moe_loss.suite import scenarios
from evaluators.balancing.moe_loss.task import TASK
from evaluators.balancing.moe_loss.training import run
from evaluators.contract import Split, Tier
from evaluators.sandbox.client import Sandbox
from evaluators.seeding import SeedSource, secret_from_seed

PROGRAMS = ("global_batch_lbl", "loss_free_bias")  # without and with a selection rule


def in_process_s(scenario: Scenario, source: str) -> float:
    began_s = time.process_time()
    run(scenario.recipe, OwnLoss(source), 1.0, scenario.times, 1)
    return time.process_time() - began_s


def sandboxed_s(scenario: Scenario, source: str, sandbox: Sandbox) -> tuple[float, float]:
    """CPU seconds of worker and child together, and of the child."""
    began_s = time.process_time()
    with sandbox.candidate(hosted(source, HOST), TASK.limits[Tier.QUICK]) as candidate:
        run(scenario.recipe, candidate, 1.0, scenario.times, 1)
        child_s = candidate.cpu_s
    return time.process_time() - began_s + child_s, child_s


def compare(scenario: Scenario, source: str, sandbox: Sandbox, turns: int) -> dict[str, float]:
    rows = [(in_process_s(scenario, source), *sandboxed_s(scenario, source, sandbox)) for _ in range(turns + 1)][1:]
    inside, boxed, child = (median(column) for column in zip(*rows, strict=True))
    return {
        "in_process_cpu_s": round(inside, 3),
        "sandboxed_cpu_s": round(boxed, 3),
        "child_cpu_s": round(child, 3),
        "added_percent": round(100 * (boxed / inside - 1), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    scenario = scenarios(Tier.QUICK, Split.SEARCH, {}, SeedSource(secret_from_seed(0), Split.SEARCH))[0]
    seeds = resources.files("seeds").joinpath("moe_loss", "baselines")
    sources = {name: seeds.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in PROGRAMS}
    with Sandbox.start(TASK.libraries) as sandbox:
        found = {name: compare(scenario, source, sandbox, turns) for name, source in sources.items()}
    write_result("moe_sandbox", {"turns": turns, "layers": sandbox.layers, "programs": found})


if __name__ == "__main__":
    main()
