"""How many requests `llm_serving` simulates per CPU second of one core: alone, and with a sandboxed program.

``python -m benchmarks.serving_speed`` plays generated traffic on four replicas of Llama-3-8B and writes
``results/serving_speed.json``. CPU seconds are of worker and child together; `ipc_share` is the part that the worker
spends on talking to the child. The best of `ROUNDS` rounds counts: what else the machine does only adds.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.stamp import write_result
from evaluators.contract import Limits
from evaluators.sandbox.client import Sandbox
from evaluators.scheduling.llm_serving.bounds import capacity_bound
from evaluators.scheduling.llm_serving.costs import cost_model
from evaluators.scheduling.llm_serving.fleet import Fleet
from evaluators.scheduling.llm_serving.program import ProgramDirector
from evaluators.scheduling.llm_serving.reference import RoundRobin
from evaluators.scheduling.llm_serving.requests import Arrival
from evaluators.scheduling.llm_serving.services import SERVICES, scaled
from evaluators.scheduling.llm_serving.simulator import Simulator
from evaluators.scheduling.llm_serving.views import fleet_config

SEEDS = Path(__file__).parents[1] / "seeds" / "llm_serving"
LIMITS = Limits(wall_s=300.0, cpu_s=120.0, call_wall_s=10.0)
REQUESTS, ROUNDS = 4000, 3
TRAFFIC = {"conversation": 0.82, "code": 0.15, "sessions": 0.6}  # service -> load
# the scoring form, two ways; and the full one: views of every queue before each batch, and every half second of all
PROGRAMS = ("baselines/least_outstanding", "initial", "baselines/uellm", "baselines/accellm")


def traffic(service: str) -> tuple[list[Arrival], Fleet]:
    """Requests of one service at its load."""
    fleet = Fleet(costs=(cost_model("llama3-8b", "a100", 1),) * 4, roles=(0,) * 4)
    rows = SERVICES[service].draw(np.random.default_rng(0), REQUESTS)

    def arrivals(rate: float) -> list[Arrival]:
        return [
            Arrival(
                arrival_s=row.at_s,
                prompt=row.prompt,
                output=row.output,
                slo_ttft_s=1.0,
                slo_tpot_s=0.05,
                blocks=row.blocks,
            )
            for row in scaled(rows, rate)
        ]

    return arrivals(TRAFFIC[service] * capacity_bound(arrivals(1.0), fleet)), fleet


def engine_rate(arrivals: list[Arrival], fleet: Fleet) -> float:
    """Requests per CPU second without any program: round robin in this process."""
    started_s = time.process_time()
    Simulator(arrivals, fleet, RoundRobin()).run()
    return len(arrivals) / (time.process_time() - started_s)


def sandboxed(sandbox: Sandbox, name: str, arrivals: list[Arrival], fleet: Fleet) -> dict[str, float]:
    """Requests per CPU second with a program in its child, calls per request, and the share of talking."""
    source = (SEEDS / f"{name}.py").read_text(encoding="utf-8")
    config = {**fleet_config(fleet), "mean_prompt": 1155.0, "mean_output": 211.0, "seed": 0}
    with sandbox.candidate(source, LIMITS) as candidate:
        started_s, child_s = time.thread_time(), candidate.cpu_s
        director = ProgramDirector(candidate, config, len(fleet.costs))
        Simulator(arrivals, fleet, director).run()
        total_s = time.thread_time() - started_s + candidate.cpu_s - child_s
    return {
        "requests_per_cpu_s": round(len(arrivals) / total_s),
        "calls_per_request": round(director.num_calls / len(arrivals), 2),
        "ipc_share": round(director.call_s / total_s, 3),
    }


def main() -> None:
    figures: dict[str, object] = {}
    with Sandbox.start(("numpy",)) as sandbox:
        for service in TRAFFIC:
            arrivals, fleet = traffic(service)
            rows: dict[str, object] = {"engine": round(max(engine_rate(arrivals, fleet) for _ in range(ROUNDS)))}
            for name in PROGRAMS:
                rounds = [sandboxed(sandbox, name, arrivals, fleet) for _ in range(ROUNDS)]
                rows[Path(name).name] = max(rounds, key=lambda row: row["requests_per_cpu_s"])
            figures[service] = rows
    write_result("serving_speed", figures)


if __name__ == "__main__":
    main()
