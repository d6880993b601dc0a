"""What one evaluation of each tier costs with EPLB in a warm worker (workloads built, sandbox on), and EPLB itself.

CPU seconds are those of the worker and of the sandboxed children together: one core's worth of work. The tier `report`,
minutes long, is played once; the others once to warm the caches and once to count.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from importlib import resources
from statistics import median

import numpy as np

from benchmarks.stamp import write_result
from evaluators import registry
from evaluators.candidate import ReplyField
from evaluators.contract import Split, Tier
from evaluators.environment import current_environment
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed

PLANNED = "expert_replication"  # the task whose single call is timed too
SHAPE = {"layers": 58, "experts": 256, "slots": 288, "gpus": 32}


def tier_cost(task: str, source: str, tiers: Sequence[Tier], sandbox: Sandbox) -> dict[str, object]:
    problem = registry.problem(task)
    environment = current_environment(problem.task.libraries, sandbox.layers)
    costs: dict[str, object] = {}
    for tier in tiers:
        for split in (Split.SEARCH, Split.HOLDOUT):
            began_cpu_s = time.process_time()
            workload = Workload.build(problem, tier, split, secret_from_seed(1))
            build_s = time.process_time() - began_cpu_s
            if tier is not Tier.REPORT:
                evaluate(problem, workload, source, sandbox.candidate, environment, ClockPolicy())  # warms the caches
            began_cpu_s, began_s = time.process_time(), time.perf_counter()
            evaluation = evaluate(problem, workload, source, sandbox.candidate, environment, ClockPolicy())
            costs[f"{tier} {split}"] = {
                "instances": len(evaluation.instances),
                "score": evaluation.objective,
                "cpu_s": round(time.process_time() - began_cpu_s + evaluation.cpu_s, 3),
                "wall_s": round(time.perf_counter() - began_s, 3),
                "build_cpu_s": round(build_s, 3),
            }
    return costs


def plan_cost(source: str, sandbox: Sandbox, repeats: int = 25) -> dict[str, object]:
    """CPU of one EPLB plan at the size of DeepSeek-V3, in the sandboxed child, read from outside it."""
    rng = np.random.default_rng(0)
    config = {**SHAPE, "nodes": 4, "slots_per_gpu": 9, "groups": 8, "seed": 0}
    placement = np.tile(np.arange(SHAPE["slots"], dtype=np.int32) % SHAPE["experts"], (SHAPE["layers"], 1))
    reply = (
        ReplyField(name="placement", dtype="int32", shape=(SHAPE["layers"], SHAPE["slots"])),
        ReplyField(name="dispatch", dtype="int8", shape=(), optional=True),
        ReplyField(name="split", dtype="float32", shape=(SHAPE["layers"], SHAPE["slots"]), optional=True),
        ReplyField(name="keep", dtype="bool", shape=(SHAPE["layers"],), optional=True),
    )
    costs_ms = []
    limits = registry.problem(PLANNED).task.limits[Tier.FULL]
    with sandbox.candidate(source, limits) as candidate:
        candidate.construct("Policy", config)
        for window in range(repeats):
            loads = rng.lognormal(6, 1.2, (1, SHAPE["layers"], SHAPE["experts"])).astype(np.int64)
            samples = loads.astype(np.int32)
            costs_ms.append(1000 * candidate.method("plan", [loads, samples, placement, window], reply).cpu_s)
    return {**SHAPE, "median_cpu_ms": round(median(costs_ms), 2), "max_cpu_ms": round(max(costs_ms), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default=PLANNED)
    parser.add_argument("--baseline", default="eplb_global")
    parser.add_argument(
        "--tiers", type=Tier, nargs="+", choices=list(Tier), default=[Tier.SMOKE, Tier.QUICK, Tier.FULL]
    )
    arguments = parser.parse_args()
    program = resources.files("seeds") / arguments.task / "baselines" / f"{arguments.baseline}.py"
    source = program.read_text(encoding="utf-8")
    with Sandbox.start(registry.problem(arguments.task).task.libraries) as sandbox:
        figures: dict[str, object] = {
            "task": arguments.task,
            "baseline": arguments.baseline,
            "sandbox": sandbox.layers,
            "tiers": tier_cost(arguments.task, source, arguments.tiers, sandbox),
        }
        if arguments.task == PLANNED:
            figures["plan"] = plan_cost(source, sandbox)
    name = "tier_cost" if arguments.task == PLANNED else f"{arguments.task}_tier_cost"
    write_result(f"{name}_report" if arguments.tiers == [Tier.REPORT] else name, figures)  # apart: it takes minutes


if __name__ == "__main__":
    main()
