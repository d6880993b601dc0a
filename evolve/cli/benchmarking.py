"""Carries a benchmark out and writes its figures: table on stdout, JSON, and a PNG where matplotlib is installed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from archive.records import FounderRole, Run, RunStatus
from archive.store import Archive
from evaluators import jsonable, registry
from evaluators.contract import Tier
from evaluators.problem import Problem
from evaluators.registry import did_you_mean
from evolve.benchmark import Cell, Curve, Judge, carry_out, cells
from evolve.choices import ProposerKind
from evolve.cli.printing import difference, interval, print_json, print_text, score, table_text
from evolve.config import RunConfig
from evolve.errors import ConfigError, RunError
from evolve.execution.opening import local_backend, require_libraries
from evolve.models import announce_models
from evolve.programs import Program, founding_programs
from evolve.run.lifecycle import Lifecycle, timestamp
from evolve.run.session import split_secrets
from evolve.run.stopping import unless_set
from evolve.strategies import STRATEGIES, WITH_MODELS, Result, compare_strategies, verdict
from evolve.version import software_version


@dataclass(frozen=True, slots=True)
class Plan:
    """What a benchmark was asked to do."""

    base: Mapping[str, object]  # of every run file
    strategies: tuple[str, ...]
    evaluations: int
    repeats: int
    first_seed: int
    tier: Tier


def compare(plan: Plan, url: str, out: Path, *, as_json: bool) -> None:
    """The whole benchmark.

    Raises:
        ConfigError: An unknown strategy.
        RunError: It was stopped; the same command goes on.
    """
    for name in plan.strategies:
        if name not in STRATEGIES:
            raise ConfigError(f"there is no strategy {name!r}{did_you_mean(name, tuple(STRATEGIES))}")
    task = str(plan.base["task"])
    given = plan.base["set"]
    problem = registry.problem(task).configured(given if isinstance(given, dict) else {})
    base = {**plan.base, "task": problem.task.address, "set": dict(problem.task.parameters)}
    planned = cells(base, plan.strategies, plan.repeats, plan.first_seed)
    programs = founding_programs(problem.task.programs, [])
    require_libraries(problem.task)
    announce_models(planned[0].config, problem.task, programs)
    pointless = WITH_MODELS.intersection(plan.strategies)
    if pointless and planned[0].config.proposer is not ProposerKind.OPENAI:
        raise ConfigError(f"{', '.join(sorted(pointless))}: needs models, name them in a run file (--config FILE)")
    with Archive.open(url) as archive:
        curves, baselines = asyncio.run(_carry_out(archive, planned, problem, programs, plan))
    results = compare_strategies(_by_strategy(curves), baselines)
    _write(plan, planned[0].config, problem, curves, baselines, results, out)
    if as_json:
        print_json(results)
    else:
        print_text(results_table(results, baselines, plan.repeats))
        print_text("\n" + verdict(results))


async def _carry_out(
    archive: Archive, planned: Sequence[Cell], problem: Problem, programs: Sequence[Program], plan: Plan
) -> tuple[list[Curve], dict[str, float]]:
    """Curves of all runs, and hold-out scores of the baselines."""
    current: list[Lifecycle] = []
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        for lifecycle in current:
            lifecycle.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    runs: list[Run] = []
    for done, cell in enumerate(planned):
        sys.stderr.write(f"{done} of {len(planned)} runs done; {cell.strategy}, repeat {cell.repeat + 1}\n")
        run = await carry_out(archive, cell, problem, programs[0], current.append)
        if stopped.is_set() or run.status is not RunStatus.FINISHED:
            raise RunError(f"the benchmark was stopped after {done} of {len(planned)} runs; the same command goes on")
        runs.append(run)
    judged = await unless_set(stopped, _judge(archive, planned, runs, problem, programs, plan))
    if judged is None:
        raise RunError("the benchmark was stopped while its champions were scored; the same command goes on")
    return judged


async def _judge(
    archive: Archive,
    planned: Sequence[Cell],
    runs: Sequence[Run],
    problem: Problem,
    programs: Sequence[Program],
    plan: Plan,
) -> tuple[list[Curve], dict[str, float]]:
    sys.stderr.write("choosing champions on validation; scoring them and the baselines on the hold-out\n")
    task = problem.task
    slots = int(str(plan.base["workers"])) or os.cpu_count() or 1
    secrets = split_secrets(archive, runs[0], task)
    async with local_backend(problem, secrets, slots, allow_unsafe=False) as backend:
        judge = Judge(archive, backend, secrets, problem, plan.tier)
        curves = [await judge.curve(cell, run, plan.evaluations) for cell, run in zip(planned, runs, strict=True)]
        shipped = [program for program in programs if program.role is FounderRole.BASELINE]
        return curves, await judge.baselines(runs[0], planned[0], shipped)


def results_table(results: Sequence[Result], baselines: Mapping[str, float], repeats: int) -> str:
    """Strategies as rows; for each baseline better than nothing, how many repeats reached it and how soon."""
    levels = sorted((level, name) for name, level in baselines.items() if level > 0.5 * max(baselines.values()))
    columns = ["strategy", "hold-out", "area", "difference", "95 % over repeats", "p"]
    columns += [f"{name} {level:.3f}" for level, name in levels]
    rows = [
        [
            result.strategy,
            score(result.final),
            score(result.area),
            difference(result.difference),
            interval(result.low, result.high),
            "-" if result.p is None else f"{result.p:.3g}",
            *(_reached_text(*result.reached[name], repeats) for _, name in levels),
        ]
        for result in results
    ]
    return table_text(columns, rows)


def _reached_text(count: int, needed: float | None, repeats: int) -> str:
    return f"{count}/{repeats}" + ("" if needed is None else f" in {needed:g}")


def _by_strategy(curves: Sequence[Curve]) -> dict[str, list[tuple[float, ...]]]:
    found: dict[str, list[tuple[float, ...]]] = {}
    for curve in curves:
        found.setdefault(curve.strategy, []).append(curve.holdout)
    return found


def _write(
    plan: Plan,
    first: RunConfig,
    problem: Problem,
    curves: Sequence[Curve],
    baselines: Mapping[str, float],
    results: Sequence[Result],
    out: Path,
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"strategies_{problem.task.name}.json"
    document = {
        "date": timestamp(),
        "software": software_version(),
        "task": problem.task.name,
        "task_identity": problem.task.identity,
        "evaluations": plan.evaluations,
        "repeats": plan.repeats,
        "first_seed": plan.first_seed,
        "run_file": first.model_dump(mode="json", exclude={"seed"}),  # of the first strategy, defaults too
        "changes": {name: STRATEGIES[name] for name in plan.strategies},
        "holdout_tier": plan.tier,
        "cores": os.cpu_count(),
        "results": results,
        "verdict": verdict(results),
        "baselines": baselines,
        "curves": curves,
    }
    path.write_text(jsonable.dumps(document) + "\n", encoding="utf-8")
    sys.stderr.write(f"figures: {path}\n")
    if find_spec("matplotlib") is None:
        sys.stderr.write("no picture: matplotlib is not installed (pip install 'evenkeel[plots]')\n")
        return
    from evolve.cli.plots import draw_curves

    draw_curves(_by_strategy(curves), baselines, path.with_suffix(".png"), problem.task.name)
    sys.stderr.write(f"picture: {path.with_suffix('.png')}\n")
