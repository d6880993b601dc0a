"""Scores every program of a task's seeds on search and hold-out, in the sandbox, and writes the tables of its page.

``python -m benchmarks.baseline_table --task TASK`` writes ``results/TASK_baselines.json`` and the tables between the
markers of ``docs/tasks/TASK.md``; ``--from-result`` writes the tables anew from the stored figures. What differs
between tasks is in `table_specs`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.stamp import RESULTS, write_result
from benchmarks.table_parts import (
    ORACLE,
    Row,
    between_markers,
    difference,
    headroom,
    ranked,
    rounded,
    score_figures,
    table,
)
from benchmarks.table_specs import TABLES, TableSpec
from evaluators import registry
from evaluators.contract import Evaluation, InstanceResult, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed

SPLITS = (Split.SEARCH, Split.HOLDOUT)


@lru_cache(maxsize=1)
def workload(task: str, tier: Tier, split: Split, seed: int) -> Workload:
    """The instances of one tier and split, built once per process and split."""
    return Workload.build(registry.problem(task), tier, split, secret_from_seed(seed))


@lru_cache(maxsize=1)
def sandbox(task: str) -> Sandbox:
    """One sandbox per process; it ends with the process."""
    return Sandbox.start(registry.problem(task).task.libraries)


def stored_or_scored(task: str, folder: Path, name: str, tier: Tier, split: Split, seed: int) -> Row:
    """One program's figures; a run that was cut short finds in `folder` what it had."""
    path = folder / f"{tier}-{split}-{seed}-{name}.json"
    if not path.exists():
        part = path.with_suffix(".part")
        part.write_text(json.dumps(scored(TABLES[task], name, tier, split, seed)), encoding="utf-8")
        part.rename(path)
    row: Row = json.loads(path.read_text(encoding="utf-8"))
    return row


def scored(spec: TableSpec, name: str, tier: Tier, split: Split, seed: int) -> Row:
    """One program's figures, or the oracle's."""
    played = workload(spec.task, tier, split, seed)
    if name == ORACLE and spec.oracle is not None:
        return {"outcome": "scored", **score_figures(spec.oracle(played))}
    problem, opened = registry.problem(spec.task), sandbox(spec.task)
    environment = current_environment(problem.task.libraries, opened.layers)
    source = spec.program_files()[name].read_text(encoding="utf-8")
    return evaluation_row(spec, evaluate(problem, played, source, opened.candidate, environment, ClockPolicy()))


def evaluation_row(spec: TableSpec, evaluation: Evaluation) -> Row:
    """What the tables need of an evaluation."""
    instances = evaluation.instances
    calls = num_calls(instances)
    per_call = {"planner_ms_per_call": rounded(1e3 * evaluation.cpu_s / calls)} if calls else {}
    return {
        "outcome": str(evaluation.outcome),
        **score_figures([(i.regime, i.counted_score) for i in instances]),
        **{metric: rounded(evaluation.metrics[metric]) for metric in spec.metrics if metric in evaluation.metrics},
        **per_call,
        "scores": {i.name: rounded(i.counted_score) for i in instances},
    }


def num_calls(instances: Sequence[InstanceResult]) -> int:
    """Calls that were charged for over all instances."""
    return sum(len(i.delays_s) for i in instances if i.outcome is Outcome.SCORED)


def figures(spec: TableSpec, tier: Tier, seed: int, processes: int, folder: Path) -> dict[str, Any]:
    """The rows of all programs and the oracle on both splits; `folder` holds them as they come."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*spec.program_files(), *([ORACLE] if spec.oracle else [])]
    parts = {str(split): (tier, split) for split in SPLITS}
    if spec.quick:
        parts["quick"] = Tier.QUICK, Split.SEARCH
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        futures = {
            (part, name): pool.submit(stored_or_scored, spec.task, folder, name, *parts[part], seed)
            for part, name in product(parts, names)
        }
        rows = {key: future.result() for key, future in futures.items()}
    return {
        "task": spec.task,
        "revision": registry.problem(spec.task).task.revision,
        "tier": str(tier),
        "seed": seed,
        **{part: {name: rows[part, name] for name in names} for part in parts},
    }


def tables(spec: TableSpec, stored: Mapping[str, Any]) -> str:
    """The generated part of the page."""
    told = f"Tier `{stored['tier']}`, seed {stored['seed']}, revision {stored['revision']}; 95 % intervals, stratified."
    parts = [told]
    for split in SPLITS:
        rows: Mapping[str, Row] = stored[str(split)]
        parts += [f"### {str(split).capitalize()}", ranking(spec, rows)]
        parts += [headroom(rows)] if ORACLE in rows else []
    if "quick" in stored:
        parts += ["### Search, tier `quick`", ranking(spec, stored["quick"])]
    return "\n\n".join([*parts, *([spec.closing(stored)] if spec.closing else [])])


def ranking(spec: TableSpec, rows: Mapping[str, Row]) -> str:
    """Score and interval of every program, and its score per regime."""
    regimes = list(next(iter(rows.values()))["regimes"])
    header = ["program", "score", "95 %", f"minus `{spec.reference}`, 95 %", *regimes, *spec.columns]
    body = [
        [
            name if name == ORACLE else f"`{name}`",
            f"{row['score']:.3f}",
            f"{row['low']:.3f} .. {row['high']:.3f}" if row["low"] is not None else "-",
            difference(row, rows[spec.reference]) if name != spec.reference else "-",
            *(f"{row['regimes'][regime]:.2f}" for regime in regimes),
            *(shown(row, metric, form) for metric, form in spec.columns.values()),
        ]
        for name, row in ((name, rows[name]) for name in ranked(rows))
    ]
    return table(header, body)


def shown(row: Row, metric: str, form: str) -> str:
    """A metric of a row, or a dash."""
    return format(row[metric], form).replace("%", " %") if metric in row else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=list(TABLES), default="expert_replication")
    parser.add_argument("--tier", type=Tier, choices=list(Tier), default=Tier.FULL)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rows", type=Path, help="folder for rows as they come, so that a cut run goes on from there")
    parser.add_argument("--from-result", action="store_true", help="write the tables from the stored figures")
    arguments = parser.parse_args()
    spec = TABLES[arguments.task]
    if not arguments.from_result:
        with tempfile.TemporaryDirectory() as scratch:
            folder = arguments.rows or Path(scratch)
            found = figures(spec, arguments.tier, arguments.seed, arguments.processes, folder)
            write_result(spec.name, found)
    stored = json.loads((RESULTS / f"{spec.name}.json").read_text(encoding="utf-8"))["figures"]
    spec.page.write_text(between_markers(spec.page.read_text(encoding="utf-8"), tables(spec, stored)), encoding="utf-8")


if __name__ == "__main__":
    main()
