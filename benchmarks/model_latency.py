"""How much of the ideal rate is reached while models and evaluations take their time; what the harness costs beside.

Models answer after 2 s over HTTP (the stand-in), 8 calls in flight; evaluations take 1 s, 8 at once. At best
min(8 / 2 s, 8 / 1 s) attempts end per second. Evaluations that sleep come from a backend in this script, for a task
that sleeps would not get past the sandbox; all else (client, parser, archive, driver) is what a run uses.
Evaluations that compute are reported apart: one process per core burns CPU time, and the ideal is what the same
processes reach alone, before and after, under the load the machine has.

The cost of an attempt at latency zero is the slope between a short and a long `evolve run toy` of real evaluations in
the sandbox: CPU seconds of the controller, its workers, children and parser; the server's thread is apart.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from archive.records import FounderRole, Run
from archive.store import Archive
from benchmarks.harness_cost import children_cpu_s
from benchmarks.stamp import write_result
from evaluators import registry
from evaluators.contract import Environment, Evaluation, Tier
from evaluators.protocol import EvaluateRequest
from evolve.config import RunConfig, build_config
from evolve.llm.catalogue import build_catalogue
from evolve.programs import founding_programs
from evolve.proposing import open_asker, open_proposer
from evolve.run.driver import Clock, Driver
from evolve.run.lifecycle import timestamp
from evolve.run.progress import Progress
from evolve.run.session import founding_members, new_run, restore, split_secrets
from evolve.run.stages import Stages
from evolve.version import software_version
from tests.evolve.fakes import FakeBackend
from tests.fake_openai import FakeModel, fake_openai

LATENCY_S, EVALUATION_S = 2.0, 1.0
CALLS, SLOTS = 8, 8
SHORT, LONG, REPEATS = 100, 400, 3
CALIBRATION_ROUNDS = 6  # evaluations per process


class TimedBackend:
    """Scores by digest, as in tests; a quick evaluation takes what `work` takes, smoke takes nothing."""

    environment_class = FakeBackend.environment_class
    environment: Environment = FakeBackend.environment

    def __init__(self, slots: int, work: Callable[[], Awaitable[None]]) -> None:
        self.slots = slots
        self._work = work
        self._scores = FakeBackend(slots)
        self._free = asyncio.Semaphore(slots)

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        """The scores of the double, when the work is done."""
        if request.tier is not Tier.SMOKE:
            async with self._free:
                await self._work()
        return await self._scores.evaluate(request)

    async def close(self) -> None:
        """Nothing to end."""


def burn() -> None:
    """One second of this process's CPU."""
    end_s = time.process_time() + EVALUATION_S
    while time.process_time() < end_s:
        sum(range(1000))


async def sleep() -> None:
    await asyncio.sleep(EVALUATION_S)


def stopwatch() -> str:
    """In place of a date: what told_at and asked_at are read from."""
    return f"{time.monotonic():.6f}"


def a_config(url: str, attempts: int) -> RunConfig:
    tables: list[dict[str, object]] = [{"name": "m", "base_url": url, "concurrency": CALLS}]
    models = build_catalogue([], tables, {}).specs
    values = {"task": "toy", "seed": 1, "attempts": attempts, "proposer": "openai", "models": models}
    return build_config({**values, "model_calls": CALLS, "look_every": 0})


async def drive(archive: Archive, run: Run, config: RunConfig, backend: TimedBackend) -> None:
    """What `Lifecycle` does, on another backend."""
    task = registry.problem("toy").task
    stages = Stages(archive, backend, task, split_secrets(archive, run, task), config.planner_clock, run.id)
    founders = archive.founders(run.id)
    scored = {f.candidate_id: await stages.search(archive.candidate(f.candidate_id)) for f in founders}
    session = restore(archive, run, config, founders, founding_members(founders, scored, stages.task), stages)
    clock = Clock(elapsed_s=lambda: 0.0, timestamp=stopwatch)
    async with (
        open_asker(archive, run, config) as asker,
        open_proposer(session, task, stages, asker) as proposer,
    ):
        progress = Progress(task="toy", run_id=run.id)
        await Driver(session, proposer, stages, progress, backend.slots + 2 + config.model_calls, clock).evolve()


@dataclass(frozen=True)
class Pace:
    """How fast a run was."""

    attempts: int
    model_calls: int
    evaluations: int  # quick ones, validations included
    most_calls_in_flight: int
    steady_per_s: float  # attempts that ended, from two round trips after the first ask to the last ask
    whole_per_s: float  # from the first ask to the last end
    cpu_ms: float  # of this process without the server's thread, per attempt


def shares(pace: Pace, ideal_per_s: float) -> dict[str, object]:
    """What was reached of the ideal."""
    return {
        "ideal_per_s": round(ideal_per_s, 3),
        "ideal_share": round(pace.steady_per_s / ideal_per_s, 3),
        "ideal_share_of_the_whole_run": round(pace.whole_per_s / ideal_per_s, 3),
        **{name: round(value, 3) for name, value in asdict(pace).items()},
    }


def paced_run(attempts: int, backend: TimedBackend) -> Pace:
    """A run with models that take their time."""
    programs = [program for program in founding_programs("toy", []) if program.role is FounderRole.INITIAL]
    with tempfile.TemporaryDirectory() as name, fake_openai(FakeModel(name="m", latency_s=LATENCY_S)) as server:
        config = a_config(server.url, attempts)
        with Archive.open(f"sqlite:///{name}/run.db") as archive:
            run = new_run(archive, config, registry.problem("toy").task, programs, software_version(), timestamp())
            began_cpu_s = time.process_time()
            asyncio.run(drive(archive, run, config, backend))
            rows = archive.attempts(run.id)
            cpu_s = time.process_time() - began_cpu_s - server.cpu_s
            calls = sum(len(archive.replies(run.id, row.index)) for row in rows)
            evaluations = sum(s.evaluation.tier is Tier.QUICK for s in archive.evaluations_of_run(run.id))
        asked = sorted(float(row.asked_at) for row in rows)
        told = sorted(float(row.told_at or "nan") for row in rows)
        begin_s, end_s = asked[0] + 2 * (LATENCY_S + EVALUATION_S), asked[-1]
        return Pace(
            attempts=len(rows),
            model_calls=calls,
            evaluations=evaluations,
            most_calls_in_flight=server.most_in_flight,
            steady_per_s=sum(begin_s < moment <= end_s for moment in told) / (end_s - begin_s),
            whole_per_s=len(told) / (told[-1] - asked[0]),
            cpu_ms=1000 * cpu_s / len(rows),
        )


def computing(attempts: int) -> dict[str, object]:
    """The same with evaluations that compute, one process per core."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:

        async def work() -> None:
            await asyncio.get_running_loop().run_in_executor(pool, burn)

        before = rate_alone(pool, cores)
        pace = paced_run(attempts, TimedBackend(cores, work))
        after = rate_alone(pool, cores)
    return {
        **shares(pace, min(CALLS / LATENCY_S, (before + after) / 2 * pace.attempts / pace.evaluations)),
        "processes": cores,
        "evaluations_per_s_alone": [round(before, 3), round(after, 3)],
    }


def rate_alone(pool: ProcessPoolExecutor, processes: int) -> float:
    """Evaluations per second that the processes reach without a harness."""
    number = CALIBRATION_ROUNDS * processes
    began_s = time.monotonic()
    for future in [pool.submit(burn) for _ in range(number)]:
        future.result()
    return number / (time.monotonic() - began_s)


def cost_at_no_latency() -> dict[str, object]:
    """CPU milliseconds per attempt, real evaluations in the sandbox included, the server's apart."""
    costs_ms, server_ms, calls = [], [], 0.0
    with tempfile.TemporaryDirectory() as name:
        for number in range(REPEATS):
            short, long = (whole_run(Path(name) / f"{number}-{n}.db", n) for n in (SHORT, LONG))
            costs_ms.append(1000 * (long[0] - short[0]) / (LONG - SHORT))
            server_ms.append(1000 * long[1] / LONG)
            calls = long[2] / LONG
    return {
        "harness_cpu_ms_per_attempt": [round(x, 2) for x in costs_ms],
        "median_harness_cpu_ms_per_attempt": round(median(costs_ms), 2),
        "server_cpu_ms_per_attempt": [round(x, 2) for x in server_ms],
        "model_calls_per_attempt": round(calls, 3),
    }


def whole_run(path: Path, attempts: int) -> tuple[float, float, float]:
    """CPU seconds of `evolve run`, of the server, and the number of calls."""
    with fake_openai(FakeModel(name="m")) as server:
        words = ["run", "toy", "--model", f"m@{server.url}", "--attempts", str(attempts), "--seed", "1", "--json"]
        words += ["--archive", f"sqlite:///{path}", "--workers", "2", "--finalists", "1", "--final-tier", "quick"]
        began_s = children_cpu_s()
        subprocess.run([sys.executable, "-m", "evolve.cli", *words], check=True, capture_output=True)
        return children_cpu_s() - began_s, server.cpu_s, server.num_requests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=240)
    arguments = parser.parse_args()
    ideal = min(CALLS / LATENCY_S, SLOTS / EVALUATION_S)
    sleeping = shares(paced_run(arguments.attempts, TimedBackend(SLOTS, sleep)), ideal)
    print(sleeping, flush=True)
    write_result(
        "model_latency",
        {
            "ideal_share": sleeping["ideal_share"],
            "sleeping_evaluations": sleeping,
            "computing_evaluations": computing(arguments.attempts // 6),
            "no_latency": cost_at_no_latency(),
        },
    )


if __name__ == "__main__":
    main()
